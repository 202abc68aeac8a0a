"""
The daemon flooded in real time: lines of a hundred megabytes and garbage on every port and socket.
Never a crash, a hang or growth, and everybody else is served meanwhile.

    [SIOPROXY_MOMENTS=N] [SIOPROXY_SEED=N] test_flood.py [Floods.test_…]
"""

import os
import random
import select
import time
import unittest

from machine import PATIENCE, MachineTest
from process import Background, wait_until
from torture import (LIGHT, MOMENTS, SEED, Flood, Peer, garbage, growth, keep, long_line, numbered,
                     resident, sanitized)

MEGABYTES = 20 if sanitized() and MOMENTS < 100 else 100
PROMPT = 1.0       # seconds in which others are answered, whatever one of them does
WORDS = [b"ok", b"ok T:21.0 /0.0", b"Resend: 5", b"Resend: 99999999999", b"Error:x", b"start",
         b"busy: processing", b"//action:paused", b"T:1 B:2", b"N1 G28*18", b"N-1*", b"M110 N5",
         b"M28 x.g", b"M29", b"M42 Plight S1", b"M226 Plight", b"M62 P", b"G1 X", b"M600", b";",
         b"IO:0101", b"IO:", b"CP:SIOPlugin", b"IT:12", b"OK", b"VI:1", b"IC:", b"XT DHT",
         b'{"command":"status"}', b'{"command":', b'{"command":"watch"}', b'{"a":[[[[', b"[]",
         b'{"command":"send","line":"G28"}', b'"\\ud800"', b"null"]


class Floods(MachineTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)

    def assert_small(self, daemon, before):
        """The daemon has not grown."""
        self.assertLess(resident(daemon.pid) - before, growth())

    def flooded(self):
        """A daemon with a fake printer and a simulated board, and a client that asks."""
        printer = self.pty_printer()
        board = keep(self, Peer, "sim_board_pty", self.path("board"), self.path("board.log"))
        daemon = self.daemon(printer=printer.link, board=board.link)
        daemon.wait_for("board", "online")
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
        daemon.wait_for("board", "online")
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


if __name__ == "__main__":
    unittest.main()
