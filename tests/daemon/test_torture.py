"""
The daemon tortured in real time: ports that vanish at random moments of a print, machines and
hosts that are killed, full disks, clients that do not read. Never a crash, a hang, growth, or a
line that is lost or done twice.

    [SIOPROXY_MOMENTS=N] [SIOPROXY_SEED=N] test_torture.py [Torture.test_…]
"""

import glob
import os
import random
import resource
import subprocess
import sys
import time
import unittest

from machine import PATIENCE, Host, MachineTest
from process import BUILD, Background, Program, read_text, wait_until
from torture import MANY, MOMENTS, SEED, PrintingHost, Rig, growth, numbered, resident

RIGS = 16          # as many daemons side by side at most: they mostly wait
ROOM = 50000       # bytes that a recording may grow on a disk that is all but full
PROMPT = 1.0       # seconds in which others are answered, whatever one of them does


class Torture(MachineTest):
    def assert_small(self, daemon, before):
        """The daemon has not grown."""
        self.assertLess(resident(daemon.pid) - before, growth())

    def test_ports_vanish_at_every_step_of_a_print(self):
        count = min(MOMENTS, RIGS)

        def work(number):
            rig = Rig(self, number, SEED)
            share = MOMENTS // count + (number < MOMENTS % count)
            rig.torture(share, share)
            rig.account(self)

        works = [Background(f"rig {number} of seed {SEED}", lambda number=number: work(number))
                 for number in range(count)]
        for one in works:
            one.finish(2 * PATIENCE + PATIENCE * MOMENTS // count)

    def test_a_printer_that_is_killed_ends_its_job(self):
        rig = Rig(self, 0, SEED, board=False)
        host = rig.print
        for _ in range(max(1, MOMENTS // 6)):
            rig.print_for(rig.random.uniform(0.1, 0.6))
            host.bad = [b"Resend", b"Error"]
            host.events.clear()
            rig.printer.kill()
            before = len(rig.printer.executed())
            rig.print_for(rig.random.uniform(0, 0.8))
            rig.printer.begin()
            rig.print_until("the host hears of it", lambda: b"start" in host.events,
                            PATIENCE)
            rig.print_until("and that its job has ended",
                            lambda: b"//action:cancel" in host.events, PATIENCE)
            rig.print_for(0.3) # it does not listen
            motion = [line for line in rig.printer.executed()[before:] if line.startswith(b"G1")]
            self.assertEqual(motion, [], "the old job moves the new printer")
            host.leave_job()
            host.begin_job()
            begin = len(host.sent)
            rig.until_printing()
            host.finish()
            new = host.sent[begin:]
            self.assertEqual(rig.printer.executed()[-len(new):], new)
        self.assertEqual(rig.daemon.stop(), 0)

    def test_a_host_that_is_killed_leaves_no_trace(self):
        """What it had sent whole is carried out once and in order; the next host hears nothing."""
        rig = Rig(self, 0, SEED, board=False)
        rig.until_printing()
        rig.print.finish()
        rig.host.close()
        rig.daemon.wait_for("host", "disconnected")
        before = resident(rig.daemon.pid)
        for _ in range(MOMENTS // 2):
            begin = len(rig.printer.executed())
            victim = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--victim",
                                       rig.daemon.link], stdout=subprocess.PIPE)
            self.addCleanup(victim.stdout.close)
            victim.stdout.readline() # it has begun
            time.sleep(rig.random.uniform(0, 0.2))
            victim.kill()
            victim.wait()
            rig.daemon.wait_for("host", "disconnected")
            rig.host = self.host(rig.daemon)
            rig.print = PrintingHost(rig.host, rig.random, 8)
            rig.print.begin_job()
            rig.until_printing()
            rig.print.finish()
            rig.host.close()
            rig.daemon.wait_for("host", "disconnected")
            got = rig.printer.executed()[begin:]
            theirs = [line for line in got if line.startswith(b"M117 victim")]
            self.assertEqual(theirs, [b"M117 victim %d" % n for n in range(1, len(theirs) + 1)])
            self.assertEqual(got[len(theirs):], rig.print.sent)
        self.assert_small(rig.daemon, before)
        self.assertEqual(rig.daemon.stop(), 0)

    def test_a_recording_on_a_full_disk_ends_and_nothing_else(self):
        rig = Rig(self, 0, SEED, board=False)
        before = resident(rig.daemon.pid)
        for _ in range(max(3, MOMENTS // 4)):
            log = rig.path("sioctl.log")
            sioctl = Program("sioctl", [os.path.join(BUILD, "sioctl"), "--socket",
                                        rig.daemon.socket, "record", "/dev/full"], log)
            self.addCleanup(sioctl.kill)
            rig.print_until("sioctl gives up", lambda: sioctl.process.poll() is not None,
                            PATIENCE)
            self.assertEqual(sioctl.process.returncode, 1)
            self.assertEqual(read_text(log).splitlines()[-1],
                             "sioctl: /dev/full: No space left on device")
            rig.until_printing()
        rig.print.finish()
        wait_until("the daemon knows", lambda: rig.daemon.logged("the recording has ended") >= 3,
                   PATIENCE)
        self.assert_small(rig.daemon, before)
        self.assertEqual(rig.printer.executed(), rig.print.sent)
        self.assertEqual(rig.daemon.stop(), 0)

    def test_record_on_a_full_disk_stops_and_nothing_else(self):
        disk = self.path("disk")
        os.mkdir(disk)
        rig = Rig(self, 0, SEED, board=False, record=disk)
        before = resident(rig.daemon.pid)
        rig.print_for(0.3)
        # What a file has beyond this is refused as a full disk refuses it; the log is smaller.
        limit = resource.prlimit(rig.daemon.pid, resource.RLIMIT_FSIZE)
        room = max(os.path.getsize(path) for path in self.recordings(disk)) + ROOM
        resource.prlimit(rig.daemon.pid, resource.RLIMIT_FSIZE, (room, limit[1]))
        rig.print_until("it is told", lambda: rig.daemon.logged("File too large") > 0, PATIENCE)
        rig.print_for(2)
        resource.prlimit(rig.daemon.pid, resource.RLIMIT_FSIZE, limit)
        if MOMENTS >= MANY:
            rig.print_until("it goes on", lambda: rig.daemon.logged("record: goes on in") > 0,
                            3 * PATIENCE) # it tries once a minute
        self.assertEqual(rig.daemon.logged("File too large"), 1)
        rig.print.finish()
        self.assert_small(rig.daemon, before)
        self.assertEqual(rig.printer.executed(), rig.print.sent)
        self.assertEqual(rig.daemon.stop(), 0)
        self.check_recordings(self.recordings(disk),
                              1 + rig.daemon.logged("record: goes on in")) # we may have been slow

    @staticmethod
    def recordings(disk):
        return sorted(glob.glob(os.path.join(disk, "rig0", "*.rec")))

    def check_recordings(self, paths, files):
        """What there was room for is replayed; the one behind it, if any, is whole."""
        self.assertEqual(len(paths), files)
        for path in paths:
            replay = subprocess.run([os.path.join(BUILD, "sioproxy"), "replay", path], text=True,
                                    capture_output=True, check=False)
            self.assertIn(", identical", replay.stdout, replay.stderr)
            self.assertEqual(replay.returncode, int(path == paths[0]), replay.stderr)

    def test_64_clients_of_which_one_never_reads(self):
        rig = Rig(self, 0, SEED)
        before = resident(rig.daemon.pid)
        lame = self.control(rig.daemon) # rig.control is another
        lame.send(b'{"command":"watch"}\n')
        clients = [self.control(rig.daemon) for _ in range(62)]
        for client in clients[:31]:
            self.assertTrue(client.ask(command="watch")["ok"])
        waits = []
        for number in range(MOMENTS * 10):
            lame.socket.setblocking(False)
            try: # asks on and on, too
                lame.send(b'{"command":"status"}\n' * 20)
            except BlockingIOError:
                pass
            begin = time.monotonic()
            reply = clients[31 + number % 31].ask(command="status")
            waits.append(time.monotonic() - begin)
            self.assertEqual(reply["status"]["name"], "test")
            rig.print_for(0.01)
        for client in clients[:31]:
            self.assertEqual(client.receive()["event"] != "", True)
        rig.print.finish()
        # Not each of them: we may not have had the processor.
        self.assertLess(sorted(waits)[len(waits) * 9 // 10], PROMPT)
        self.assertLess(resident(rig.daemon.pid) - before, growth() + (64 << 17))
        for client in [lame] + clients:
            client.close()
        rig.until_printing()
        rig.print.finish()
        self.assertEqual(rig.printer.executed(), rig.print.sent)


def victim(path):
    """A host that prints as fast as it may, until it is killed."""
    host = Host(path)
    host.ask(numbered(0, b"M110 N0"))
    print("begun", flush=True)
    for number in range(1, 1000000):
        host.write(numbered(number, b"M117 victim %d" % number) + b"\n")
        if number > 4:
            host.wait_for(b"ok")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--victim"]:
        victim(sys.argv[2])
    else:
        unittest.main()
