"""The virtual port: a host opens, closes and dies as it likes, and nothing is lost or spins."""

import fcntl
import grp
import os
import signal
import stat
import subprocess
import sys
import termios
import time
import unittest

from machine import PATIENCE, Host, MachineTest, wait_until

IDLE_SECONDS = 2
IDLE_LOOKS = 5
# A timer of the core now and then, but nothing that turns in circles.
IDLE_WAKE_UPS = 40
IDLE_CPU = 0.05
# Less than PTY_GONE_MS.
QUICK = 0.1


class HostPort(MachineTest):
    def test_a_host_opens_twice_as_octoprint_does_on_debian(self):
        daemon = self.daemon()
        slow = 0 # opens between which a host may well have been away
        for _ in range(5):
            host = self.host(daemon, parity_first=True)
            slow += host.pause > QUICK
            self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
            self.assertEqual(daemon.status()["host"]["state"], "connected")
            host.close()
            daemon.wait_for("host", "disconnected")
        self.assertIn(daemon.logged("host connected"), range(5, 6 + slow))
        self.assertEqual(daemon.logged("host connected"), daemon.logged("host disconnected"))

    def test_an_interrupted_open_does_not_spoil_the_next(self):
        daemon = self.daemon()
        for _ in range(3):
            os.close(Host.open_port(daemon.link, termios.PARENB | termios.PARODD))
            daemon.wait_for("host", "disconnected")
        host = self.host(daemon, parity_first=True)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))

    def test_two_hundred_opens_and_closes(self):
        daemon = self.daemon()
        for _ in range(200):
            os.close(Host.open_port(daemon.link, 0))
        host = self.host(daemon)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        host.close()
        daemon.wait_for("host", "disconnected")
        self.check_idle(daemon)

    def test_two_hundred_conversations(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        for number in range(200):
            host = self.host(daemon)
            host.ask(b"G4 P%d" % number)
            host.close()
        lines = [line for line in printer.received.split(b"\n") if line.startswith(b"G4")]
        self.assertEqual(lines, [b"G4 P%d" % number for number in range(200)])

    def test_a_host_that_comes_again_at_once_is_another_one(self):
        daemon = self.daemon()
        slow = 0
        for number in range(1, 6):
            host = self.host(daemon, parity_first=True)
            slow += host.pause > QUICK
            self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
            host.close()
            # looked at, so that the port has been seen without a client
            daemon.status()
            if number > 1:
                wait_until("the last one's end", lambda number=number:
                           daemon.logged("host disconnected") >= number - 1, PATIENCE, 0.01)
        daemon.wait_for("host", "disconnected")
        self.assertIn(daemon.logged("host connected"), range(5, 6 + slow))
        self.assertEqual(daemon.logged("host connected"), daemon.logged("host disconnected"))

    def test_what_is_written_just_before_a_close_reaches_the_printer(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        for number in range(50):
            fd = os.open(daemon.link, os.O_RDWR | os.O_NOCTTY)
            os.write(fd, b"M117 last words %d\n" % number)
            os.close(fd)
            wanted = b"M117 last words %d\n" % number
            wait_until(wanted, lambda wanted=wanted: wanted in printer.received, PATIENCE, 0.005)

    def test_a_host_killed_in_mid_sentence_leaves_a_port_for_the_next(self):
        daemon = self.daemon()
        child = subprocess.Popen([sys.executable, "-c",
                                  "import os, sys, time\n"
                                  f"fd = os.open({daemon.link!r}, os.O_RDWR | os.O_NOCTTY)\n"
                                  "os.write(fd, b'M115\\nM1')\n"
                                  "print('written', flush=True)\n"
                                  "time.sleep(60)\n"], stdout=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"written\n")
        daemon.wait_for("host", "connected")
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        daemon.wait_for("host", "disconnected")
        host = self.host(daemon, parity_first=True)
        heard = host.ask(b"M115")
        self.assertIn(b"FIRMWARE_NAME", heard)
        self.assertNotIn(b"Unknown", heard)

    def test_a_client_in_cooked_mode_hears_no_echo_and_loses_nothing(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        fd = os.open(daemon.link, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        settings = termios.tcgetattr(fd)
        settings[0] |= termios.ICRNL | termios.IXON
        settings[3] |= termios.ICANON | termios.ECHO | termios.ISIG
        termios.tcsetattr(fd, termios.TCSANOW, settings)
        for line in (b"M117 \x03\x11\x13 as it is\n", b"M117 behind it\n"):
            os.write(fd, line)
            wait_until("the line arrives", lambda line=line: line in printer.received, PATIENCE,
                       0.01)
            self.assertEqual(os.read(fd, 100), b"ok\n") # had it an echo, that came before the next
        self.assertNotIn(b"ok\n", printer.received)

    def test_a_client_that_wanted_the_port_for_itself_does_not_keep_it(self):
        daemon = self.daemon()
        fd = os.open(daemon.link, os.O_RDWR | os.O_NOCTTY)
        fcntl.ioctl(fd, termios.TIOCEXCL)
        os.close(fd)
        wait_until("the port can be opened", lambda: self.may_be_opened_by_anybody(daemon.link),
                   PATIENCE)

    def may_be_opened_by_anybody(self, path):
        """By a process without root's rights, whom exclusive mode shuts out."""
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.chmod(os.path.realpath(path), 0o666)
                os.chmod(self.folder, 0o755)
                if os.getuid() == 0:
                    os.setuid(65534)
                os.close(os.open(path, os.O_RDWR | os.O_NOCTTY))
                status = 0
            finally:
                os._exit(status)
        return os.waitpid(child, 0)[1] == 0

    def test_the_printer_follows_the_hosts_baud_rate(self):
        daemon = self.daemon()
        host = self.host(daemon)
        wait_until("115200", lambda: daemon.status()["host"]["baud"] == 115200, PATIENCE,
                   0.01)
        settings = termios.tcgetattr(host.fd)
        settings[4] = settings[5] = termios.B230400
        termios.tcsetattr(host.fd, termios.TCSANOW, settings)
        wait_until("230400", lambda: daemon.status()["host"]["baud"] == 230400, PATIENCE,
                   0.01)

    def test_what_was_said_to_nobody_is_not_told_to_the_next(self):
        daemon = self.daemon()
        host = self.host(daemon)
        host.write(b"M155 S1\n")
        host.wait_for(b"ok")
        host.close()
        daemon.wait_for("host", "disconnected")
        count = daemon.status()["counters"]["printer_lines"]
        wait_until("reports come", lambda: daemon.status()["counters"]["printer_lines"] > count + 1,
                   PATIENCE)
        begin = time.monotonic()
        host = self.host(daemon)
        heard = host.ask(b"M400") # behind all that it had kept
        self.assertLess(heard.count(b"T:"), 2 + int(time.monotonic() - begin))

    @unittest.skipUnless(os.getuid() == 0, "only root gives a file to any group")
    def test_the_port_belongs_to_its_group(self):
        daemon = self.daemon(group="dialout")
        node = os.stat(daemon.link)
        self.assertEqual(node.st_gid, grp.getgrnam("dialout").gr_gid)
        self.assertEqual(stat.S_IMODE(node.st_mode), 0o660)

    def test_a_group_that_does_not_exist_is_a_warning(self):
        daemon = self.daemon(group="nobodys")
        daemon.wait_for_log("warning: host port: there is no group nobodys")
        self.host(daemon)

    def check_idle(self, daemon):
        """It may still have had to do when we began to look, but it comes to rest."""
        for _ in range(IDLE_LOOKS):
            wake_ups, cpu, begin = daemon.wake_ups(), daemon.cpu_seconds(), time.monotonic()
            time.sleep(IDLE_SECONDS)
            while_looking = (time.monotonic() - begin) / IDLE_SECONDS
            wake_ups, cpu = daemon.wake_ups() - wake_ups, daemon.cpu_seconds() - cpu
            if wake_ups < IDLE_WAKE_UPS * while_looking and cpu < IDLE_CPU * while_looking:
                return
        self.fail("%d wake-ups and %.2f s of work in %d s" % (wake_ups, cpu, IDLE_SECONDS))

    def test_idle_without_a_client_it_sleeps(self):
        self.check_idle(self.daemon())

    def test_idle_after_a_client_it_sleeps(self):
        daemon = self.daemon()
        host = self.host(daemon, parity_first=True)
        host.ask(b"M115")
        host.close()
        daemon.wait_for("host", "disconnected")
        self.check_idle(daemon)

    def test_idle_with_a_client_it_sleeps(self):
        daemon = self.daemon()
        host = self.host(daemon)
        host.ask(b"M115")
        self.check_idle(daemon)

    def test_with_a_client_that_does_not_read_it_sleeps_and_loses_nothing(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        host = self.host(daemon)
        printer.answer = lambda line: b"ok " + b"x" * 200 + b"\n"
        host.write(b"M105\n" * 1000)
        wait_until("more answers than the pty holds",
                   lambda: printer.received.count(b"M105\n") >= 150, PATIENCE, 0.01)
        self.check_idle(daemon)
        for _ in range(1000):
            host.wait_for(b"x\n")


if __name__ == "__main__":
    unittest.main()
