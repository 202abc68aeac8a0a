"""The printer's and the board's ports: ptys and TCP, busy, vanishing and coming back."""

import fcntl
import os
import re
import socket
import unittest

from machine import PATIENCE, MachineTest, PtyPrinter, read_text, wait_until

PRINT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e", "post.gcode")
OURS = re.compile(rb"^(M42|M43|M62|M63|M64|M65|M66|M226|M80|M81|M412|M889|M999|M600|M112)\b")
IDENTITY_LINES = 20000
RETRY_MS = 1000 # PORT_RETRY_MS
WINDOW = 20 # lines the host has unanswered; the proxy lets fewer through


def print_lines(count):
    """
    So many lines of a real print without codes of ours, and without comments: a number's checksum
    behind one is written anew, for the printer does not find it there.
    """
    with open(PRINT, "rb") as file:
        lines = [line.partition(b";")[0].strip() for line in file]
    lines = [line for line in lines if line and not OURS.match(line)]
    return [lines[number % len(lines)] for number in range(count)]


def numbered(number, line):
    line = b"N%d %s" % (number, line)
    checksum = 0
    for byte in line:
        checksum ^= byte
    return b"%s*%d" % (line, checksum)


class PrinterPort(MachineTest):
    def check_identity(self, printer, daemon):
        """A numbered print arrives as it was sent, and its answers as they were given."""
        host = self.host(daemon)
        lines = [numbered(0, b"M110 N0")]
        lines += [numbered(number + 1, line)
                  for number, line in enumerate(print_lines(IDENTITY_LINES))]
        answered = 0
        for count, line in enumerate(lines):
            if count - answered >= WINDOW:
                answered += self.read_answers(host)
            host.write(line + b"\n")
        wait_until("the last answer", lambda: host.read() is not None and
                   host.heard.count(b"ok") >= len(lines), PATIENCE, 0.001)
        sent = b"".join(line + b"\n" for line in lines)
        at = printer.received.index(lines[0])
        self.assertEqual(len(printer.received) - at, len(sent))
        self.assertTrue(printer.received[at:] == sent, "the bytes differ")
        self.assertTrue(host.heard == printer.sent[-len(host.heard):], "the answers differ")
        self.assertEqual(host.heard.count(b"ok"), len(lines))

    @staticmethod
    def read_answers(host):
        """Waits for more, and returns how many oks they were."""
        before = host.heard.count(b"ok", max(0, len(host.heard) - 4096))
        start = max(0, len(host.heard) - 4096)
        wait_until("answers", host.read, PATIENCE, 0.0005)
        return host.heard.count(b"ok", start) - before

    def test_a_print_arrives_byte_for_byte_at_a_pty(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        self.check_identity(printer, daemon)

    def test_a_print_arrives_byte_for_byte_over_tcp(self):
        printer = self.tcp_printer()
        daemon = self.daemon(printer=printer.url)
        self.check_identity(printer, daemon)

    def test_a_printer_that_vanishes_in_mid_print_comes_back(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        host = self.host(daemon)
        host.write(numbered(0, b"M110 N0") + b"\n")
        host.wait_for(b"ok")
        for number in range(1, 50):
            host.write(numbered(number, b"G1 X%d F3000" % number) + b"\n")
            host.wait_for(b"ok")
        printer.vanish()
        daemon.wait_for("printer", "offline")
        daemon.wait_for_log("printer-device is not there")
        printer.come_back()
        daemon.wait_for_printer()
        before = len(printer.received)
        host.write(numbered(50, b"G1 X50 F3000") + b"\n")
        wait_until("the line arrives", lambda: b"G1 X50 F3000" in printer.received[before:],
                   PATIENCE, 0.01)
        host.wait_for(b"ok")
        self.assertEqual(printer.received.count(b"G1 X49 F3000"), 1)

    def test_a_printer_that_is_missing_is_told_once(self):
        daemon = self.daemon(printer=self.path("printer-device"))
        daemon.wait_for_log("printer-device is not there")
        begin = daemon.status()["uptime_ms"]
        wait_until("it has been tried again",
                   lambda: daemon.status()["uptime_ms"] > begin + 2 * RETRY_MS, PATIENCE)
        self.pty_printer()
        daemon.wait_for_printer()
        self.assertEqual(daemon.logged("is not there"), 1)

    def test_who_holds_the_port_is_told(self):
        printer = PtyPrinter(self.path("printer-device"))
        self.addCleanup(printer.end)
        fd = os.open(printer.link, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        daemon = self.daemon(printer=printer.link)
        name = read_text("/proc/self/comm").strip()
        daemon.wait_for_log(f"{printer.link} is held by {name} (pid {os.getpid()}): "
                            "disconnect it there")
        os.close(fd)
        daemon.wait_for_printer()
        host = self.host(daemon)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))

    def test_the_port_is_locked_against_others(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        daemon.wait_for_printer()
        fd = os.open(printer.link, os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, fd)
        with self.assertRaises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_only_a_simulated_machine_can_be_played_with(self):
        daemon = self.daemon(printer=self.path("printer-device"))
        for words in (["printer", "unplug"], ["board", "reset"]):
            self.assertEqual(daemon.run_sioctl("sim", *words)[0], 1)

    def test_what_is_no_serial_port_is_told(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        daemon = self.daemon(printer=self.path("file"))
        daemon.wait_for_log("file is no serial port")

    def test_a_tcp_printer_that_hangs_up_is_called_again(self):
        printer = self.tcp_printer()
        daemon = self.daemon(printer=printer.url)
        daemon.wait_for_printer()
        host = self.host(daemon)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        printer.hang_up()
        wait_until("the second call", printer.connected.is_set, PATIENCE, 0.01)
        wait_until("the question is answered", lambda: b"FIRMWARE" in host.ask(b"M115"),
                   PATIENCE, 0.1)

    def test_a_tcp_printer_that_does_not_answer_is_told(self):
        with socket.socket() as taken: # and nobody listens
            taken.bind(("127.0.0.1", 0))
            url = "tcp://127.0.0.1:%d" % taken.getsockname()[1]
            self.daemon(printer=url).wait_for_log(url + ": Connection refused")

    def test_the_board_vanishes_and_comes_back(self):
        daemon = self.daemon(board="simulated")
        daemon.wait_for("board", "online")
        self.assertEqual(daemon.run_sioctl("set", "light", "on")[0], 0)
        self.assertEqual(daemon.run_sioctl("sim", "board", "unplug")[0], 0)
        daemon.wait_for("board", "lost")
        self.assertEqual(daemon.run_sioctl("get", "light"), (4, "unknown\n", ""))
        self.assertEqual(daemon.run_sioctl("sim", "board", "plug")[0], 0)
        daemon.wait_for("board", "online")
        wait_until("the light is on again", lambda: daemon.run_sioctl("get", "light")[0] == 0,
                   PATIENCE)


if __name__ == "__main__":
    unittest.main()
