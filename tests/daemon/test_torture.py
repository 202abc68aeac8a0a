"""
The daemon tortured in real time: ports that vanish at random moments of a print, machines and
hosts that are killed, floods, garbage, full disks, clients that do not read. Never a crash, a
hang, growth, or a line that is lost or done twice.

    test_torture.py [--moments N] [--seed N] [TEST…]
"""

import argparse
import os
import random
import select
import subprocess
import sys
import time
import unittest

from machine import Control, Host, MachineTest
from process import BUILD, Background, Program, read_text, wait_until
from torture import (GROWTH, SANITIZED_GROWTH, Flood, Peer, PrintingHost, garbage, long_line,
                     numbered, resident, sanitized)

MOMENTS = 8
SEED = 1
RIGS = 4           # as many daemons side by side: they mostly wait
MEGABYTES = 100
PROMPT = 1.0       # seconds in which others are answered, whatever one of them does
LIGHT = 12
WORDS = [b"ok", b"ok T:21.0 /0.0", b"Resend: 5", b"Resend: 99999999999", b"Error:x", b"start",
         b"busy: processing", b"//action:paused", b"T:1 B:2", b"N1 G28*18", b"N-1*", b"M110 N5",
         b"M28 x.g", b"M29", b"M42 Plight S1", b"M226 Plight", b"M62 P", b"G1 X", b"M600", b";",
         b"IO:0101", b"IO:", b"CP:SIOPlugin", b"IT:12", b"OK", b"VI:1", b"IC:", b"XT DHT",
         b'{"command":"status"}', b'{"command":', b'{"command":"watch"}', b'{"a":[[[[', b"[]",
         b'{"command":"send","line":"G28"}', b'"\\ud800"', b"null"]


def keep(test, begin, *arguments):
    """A thing that is ended after the test."""
    thing = begin(*arguments)
    test.addCleanup(thing.end)
    return thing


class Rig:
    """A daemon with a printer, a board and a host that prints."""

    def __init__(self, test, number, seed, board=True):
        self.folder = test.path("rig%d" % number)
        os.mkdir(self.folder)
        self.random = random.Random(seed)
        self.printer = keep(test, Peer, "sim_printer_pty", self.path("device"),
                            self.path("printer.log"), "--speed", "100", "--boot", "100",
                            "--wire", self.path("wire"))
        self.board = keep(test, Peer, "sim_board_pty", self.path("board"),
                          self.path("board.log")) if board else None
        self.daemon = test.daemon_in(self.folder, printer=self.printer.link,
                                     board=self.board.link if board else "none")
        if board:
            self.daemon.wait_for("board", "online", 30)
        self.daemon.wait_for_printer()
        self.control = Control(self.daemon.socket)
        test.addCleanup(self.control.close)
        self.host = Host(self.daemon.link)
        test.addCleanup(self.host.close)
        self.print = PrintingHost(self.host, self.random, self.random.choice((1, 1, 4, 8)), board)
        self.print.begin_job()
        self.moments = 0
        self.resident = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def state(self, part):
        return self.control.ask(command="status")["status"][part]["state"]

    def print_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.print.print_on()

    def print_until(self, what, condition, timeout):
        """The print goes on meanwhile."""
        end = time.monotonic() + timeout
        asked = 0.0
        while True:
            self.print.print_on()
            if time.monotonic() > asked + 0.1:
                asked = time.monotonic()
                if condition():
                    return
            if asked > end:
                self.print.fail(f"waited {timeout} s in vain: {what}")

    def until_printing(self):
        """Until a line has been answered that was sent from now on."""
        begin = self.print.counter
        self.print_until("the print goes on",
                         lambda: self.print.counter > begin + self.print.window + 1, 60)

    def pull_printer(self):
        """Pulled for a moment or for longer, and sometimes again before anything was settled."""
        self.printer.tell("unplug")
        self.print_for(self.random.choice((0, 0.02, self.random.uniform(0, 1.5))))
        self.printer.tell("plug")
        if self.random.randrange(4) > 0:
            self.until_printing()

    def pull_board(self):
        self.board.tell("unplug")
        self.print_for(self.random.choice((0, 0.02, self.random.uniform(0, 1.5))))
        opened = read_text(self.board.log).count(" open\n")
        self.board.tell("plug")
        self.print.hush = True
        self.print_until("the board is opened again", lambda:
                         read_text(self.board.log).count(" open\n") > opened, 10)
        self.print_until("the board is back", lambda: self.state("board") == "online", 30)
        self.print_until("the light is as it was wanted", lambda: self.print.wanted is None or
                         self.board.pin(LIGHT) == self.print.wanted, 10)
        self.print.hush = False

    def torture(self, moments):
        """So many of either kind."""
        kinds = [self.pull_printer, self.pull_board] * moments
        self.random.shuffle(kinds)
        for kind in kinds:
            self.print_for(self.random.uniform(0, 0.5))
            kind()
            self.moments += 1
            if self.moments == 2: # whatever is taken once has been taken
                self.resident = resident(self.daemon.pid)
        self.until_printing()
        self.print.finish()

    def account(self, test):
        """Every command exactly once and in order."""
        wait_until("all is carried out", lambda: len(self.printer.executed()) >=
                   len(self.print.sent), 10, 0.1)
        test.assertEqual(self.printer.executed(), self.print.sent)
        test.assertLess(resident(self.daemon.pid) - self.resident, test.growth)
        counters = self.daemon.status()["counters"]
        sys.stderr.write("  %d moments, %d lines, window %d, longest wait %.1f s, resends %d, "
                         "lost oks %d, RSS %d -> %d KiB\n" %
                         (self.moments, len(self.print.sent), self.print.window,
                          self.print.longest_stall, counters["resends"], counters["lost_oks"],
                          self.resident // 1024, resident(self.daemon.pid) // 1024))
        test.assertEqual(self.daemon.stop(), 0)


class Torture(MachineTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.growth = SANITIZED_GROWTH if sanitized() else GROWTH

    def daemon_in(self, folder, **config):
        outer, self.folder = self.folder, folder
        try:
            return self.daemon(**config)
        finally:
            self.folder = outer

    def assert_small(self, daemon, before):
        """The daemon lives and has not grown; its ports are as they were."""
        self.assertLess(resident(daemon.pid) - before, self.growth)

    def test_ports_vanish_at_every_step_of_a_print(self):
        rigs = [Rig(self, number, SEED * 1000 + number) for number in range(RIGS)]
        share = [MOMENTS // RIGS + (number < MOMENTS % RIGS) for number in range(RIGS)]
        works = [Background(f"rig {number} of seed {SEED}", lambda rig=rig, count=count:
                            rig.torture(count))
                 for number, (rig, count) in enumerate(zip(rigs, share))]
        for work in works:
            work.finish(60 + 30 * MOMENTS)
        for rig in rigs:
            rig.account(self)

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
            rig.print_until("the host hears of it", lambda: b"start" in host.events, 20)
            rig.print_until("and that its job has ended",
                            lambda: b"//action:cancel" in host.events, 20)
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
        rig.daemon.stop()

    def test_a_host_that_is_killed_leaves_no_trace(self):
        """What it had sent whole is carried out once and in order; the next host hears nothing."""
        rig = Rig(self, 0, SEED, board=False)
        rig.until_printing()
        rig.print.finish()
        rig.host.close()
        rig.daemon.wait_for("host", "disconnected")
        before = resident(rig.daemon.pid)
        for _ in range(MOMENTS):
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
            sioctl = Program("sioctl", [os.path.join(BUILD, "sioctl"), "--socket", rig.daemon.socket, "record",
                                        "/dev/full"], log)
            self.addCleanup(sioctl.kill)
            rig.print_until("sioctl gives up", lambda: sioctl.process.poll() is not None, 10)
            self.assertEqual(sioctl.process.returncode, 1)
            self.assertEqual(read_text(log).splitlines()[-1],
                             "sioctl: /dev/full: No space left on device")
            rig.until_printing()
        rig.print.finish()
        wait_until("the daemon knows", lambda: rig.daemon.logged("the recording has ended") >= 3, 5)
        self.assert_small(rig.daemon, before)
        self.assertEqual(rig.printer.executed(), rig.print.sent)
        self.assertEqual(rig.daemon.stop(), 0)

    def test_64_clients_of_which_one_never_reads(self):
        rig = Rig(self, 0, SEED)
        before = resident(rig.daemon.pid)
        lame = self.control(rig.daemon) # rig.control is another
        lame.send(b'{"command":"watch"}\n')
        clients = [self.control(rig.daemon) for _ in range(62)]
        for client in clients[:31]:
            self.assertTrue(client.ask(command="watch")["ok"])
        worst = 0.0
        for number in range(MOMENTS * 10):
            lame.socket.setblocking(False)
            try: # asks on and on, too
                lame.send(b'{"command":"status"}\n' * 20)
            except BlockingIOError:
                pass
            begin = time.monotonic()
            reply = clients[31 + number % 31].ask(command="status")
            worst = max(worst, time.monotonic() - begin)
            self.assertEqual(reply["status"]["name"], "test")
            rig.print_for(0.01)
        for client in clients[:31]:
            self.assertEqual(client.receive()["event"] != "", True)
        rig.print.finish()
        self.assertLess(worst, PROMPT)
        self.assertLess(resident(rig.daemon.pid) - before, self.growth + (64 << 17))
        for client in [lame] + clients:
            client.close()
        rig.until_printing()
        rig.print.finish()
        self.assertEqual(rig.printer.executed(), rig.print.sent)

    def flooded(self):
        """A daemon with a fake printer and a simulated board, and a client that asks."""
        printer = self.pty_printer()
        board = keep(self, Peer, "sim_board_pty", self.path("board"), self.path("board.log"))
        daemon = self.daemon(printer=printer.link, board=board.link)
        daemon.wait_for("board", "online", 30)
        daemon.wait_for_printer()
        return daemon, printer, board, self.control(daemon)

    def watch_turn(self, turn, board, control):
        """A client switches the light, and the board hears of it."""
        begin = time.monotonic()
        state = (turn + 1) % 2 # at boot it is off
        reply = control.ask(command="set", point="light", state=("off", "on")[state])
        self.assertTrue(reply["ok"], reply)
        wait_until("the board hears of it", lambda: board.pin(LIGHT) == state, PROMPT, 0.002)
        self.assertLess(time.monotonic() - begin, PROMPT)

    def watch_flood(self, flood, daemon, board, control, also=lambda: None):
        """While it goes on everybody else is served; the bytes, which must be all."""
        before = resident(daemon.pid)
        turns = 0
        while flood.is_alive() or turns == 0:
            self.watch_turn(turns, board, control)
            also()
            self.assert_small(daemon, before)
            turns += 1
        self.assert_small(daemon, before)

    def test_a_line_without_an_end_at_the_host_port(self):
        daemon, printer, board, control = self.flooded()
        host = self.host(daemon)
        host.ask(b"M115")
        flood = Flood(host.fd, (part for part in (b"G1 X", *long_line(MEGABYTES), b"\n")))
        self.watch_flood(flood, daemon, board, control)
        told = host.wait_for(b"ok\n")
        self.assertIn(b"echo:sioproxy error: long: line of %d bytes, at most 1024: not sent\n"
                      % ((MEGABYTES << 20) + 5), told)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assertNotIn(b"xxx", printer.received)

    def test_a_line_without_an_end_at_the_printer_port(self):
        daemon, printer, board, control = self.flooded()
        host = self.host(daemon)
        host.ask(b"M115")
        host.wait_for(b"\n")
        heard = 0
        sent = 0
        flood = Flood(printer.master, (part for part in (*long_line(MEGABYTES), b"\n")))

        def drain(end=0.05):
            nonlocal heard
            while select.select([host.fd], [], [], end)[0]:
                data = os.read(host.fd, 65536)
                heard += data.count(b"x")
                end = 0

        reading = Background("the host reads", lambda: read_all(drain, lambda: heard, MEGABYTES))

        def speak():
            nonlocal sent
            if sent == 0: # the answer comes behind the long line
                sent = 1
                host.write(b"M117 spoken\n")
                wait_until("it arrives", lambda: b"M117 spoken" in printer.received, PROMPT, 0.002)

        self.watch_flood(flood, daemon, board, control, speak)
        reading.finish(60)
        self.assertEqual(heard, MEGABYTES << 20)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))

    def test_a_printer_that_talks_to_a_host_that_does_not_read(self):
        """It is held back, nothing is lost, nobody else notices."""
        daemon, printer, board, control = self.flooded()
        host = self.host(daemon)
        host.ask(b"M115")
        host.wait_for(b"\n")
        heard = 0
        flood = Flood(printer.master, (b"echo:spam\n" * 100000 for _ in range(MEGABYTES // 10)))
        begin = resident(daemon.pid)
        for turn in range(20):
            self.watch_turn(turn, board, control)
            self.assert_small(daemon, begin)
        self.assertTrue(flood.is_alive())
        end = time.monotonic() + 60
        while heard < MEGABYTES // 10 * 1000000 and time.monotonic() < end:
            select.select([host.fd], [], [], 1)
            heard += len(os.read(host.fd, 65536))
        self.assertEqual(heard, flood.written)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assert_small(daemon, begin)

    def test_a_line_without_an_end_at_the_board_port(self):
        printer = self.pty_printer()
        board = keep(self, Peer, "sim_board_pty", self.path("board"), self.path("board.log"))
        daemon = self.daemon(printer=printer.link, board=board.link)
        daemon.wait_for("board", "online", 30)
        host = self.host(daemon)
        before = resident(daemon.pid)
        board.kill()
        master, slave = os.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        os.symlink(os.ttyname(slave), board.link)
        flood = Flood(master, long_line(MEGABYTES))
        turns = 0
        while flood.is_alive() or turns == 0:
            begin = time.monotonic()
            self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
            self.assertLess(time.monotonic() - begin, PROMPT)
            self.assert_small(daemon, before)
            turns += 1
        self.assertEqual(flood.written, MEGABYTES << 20)

    def test_a_line_without_an_end_at_the_control_socket(self):
        daemon, _, board, control = self.flooded()
        before = resident(daemon.pid)
        host = self.host(daemon)
        for _ in range(5):
            flooder = self.control(daemon)
            flood = Flood(flooder.socket.fileno(), long_line(MEGABYTES))
            self.watch_flood(flood, daemon, board, control)
            self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
            self.assertLess(flood.written, 1 << 20)
            reply = flooder.receive()
            self.assertEqual((reply["ok"], reply["code"]), (False, "usage"))
        self.assert_small(daemon, before)

    def test_garbage_everywhere(self):
        daemon, printer, board, control = self.flooded()
        before = 0
        for turn in range(max(3, MOMENTS // 4)):
            seed = self.random.randrange(1 << 30)
            host = self.host(daemon)
            clients = [self.control(daemon) for _ in range(4)]
            fds = [host.fd, printer.master] + [client.socket.fileno() for client in clients]
            floods = [Flood(fd, garbage(random.Random(seed + number), 200000, WORDS))
                      for number, fd in enumerate(fds)]
            end = time.monotonic() + 30
            while any(flood.is_alive() for flood in floods[:2]) and time.monotonic() < end:
                host.heard = b""
                if select.select([host.fd], [], [], 0.01)[0]:
                    host.read()
                for client in clients:
                    if select.select([client.socket], [], [], 0)[0]:
                        try:
                            client.socket.recv(65536)
                        except OSError:
                            pass
                begin = time.monotonic()
                self.assertTrue(control.ask(command="points")["ok"])
                self.assertLess(time.monotonic() - begin, PROMPT, f"seed {seed}")
            self.assertFalse(any(flood.is_alive() for flood in floods[:2]), f"seed {seed}: stuck")
            for flood in floods:
                flood.end()
            host.close()
            for client in clients:
                client.close()
            daemon.program.check_alive()
            printer.vanish()
            daemon.wait_for("printer", "offline")
            printer.come_back()
            daemon.wait_for_printer()
            os.write(printer.master, b"start\n")
            host = self.host(daemon)
            host.write(b"\n" + numbered(0, b"M110 N0") + b"\nM115\n")
            host.wait_for(b"FIRMWARE_NAME", 30)
            host.close()
            daemon.wait_for("host", "disconnected")
            before = before or resident(daemon.pid)
        self.assert_small(daemon, before)
        self.assertEqual(daemon.stop(), 0)


def read_all(drain, heard, megabytes):
    end = time.monotonic() + 60
    while heard() < megabytes << 20 and time.monotonic() < end:
        drain()


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
    parser = argparse.ArgumentParser()
    parser.add_argument("--moments", type=int, default=MOMENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--victim", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    MOMENTS, SEED = options.moments, options.seed
    if options.victim:
        victim(options.victim)
    else:
        unittest.main(argv=sys.argv[:1] + rest)
