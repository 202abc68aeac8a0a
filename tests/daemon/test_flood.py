"""
The daemon flooded in real time: lines of a hundred megabytes and garbage on every port and socket.
Never a crash, a hang or growth, and everybody else is served meanwhile.

    [SIOPROXY_MOMENTS=N] [SIOPROXY_SEED=N] test_flood.py [Floods.test_…]
"""

import contextlib
import os
import random
import select
import time
import tty
import unittest

from machine import PATIENCE, MachineTest
from process import Background, wait_until
from torture import (LIGHT, MANY, MOMENTS, SEED, Flood, Peer, garbage, growth, keep, long_line,
                     numbered, resident)

MEGABYTES = 100 if MOMENTS >= MANY else 20
PROMPT = 1.0       # seconds in which others are answered, whatever one of them does
HOST_WORDS = [b"N1 G28*18", b"N-1*", b"M110 N5", b"M28 x.g", b"M29", b"M42 Plight S1", b"G1 X",
              b"M226 Plight", b"M62 P", b"M600", b";", b"M115"]
PRINTER_WORDS = [b"ok", b"ok T:21.0 /0.0", b"Resend: 5", b"Resend: 99999999999", b"Error:x",
                 b"busy: processing", b"//action:paused", b"T:1 B:2", b"start", b"wait", b"rs 3"]
BOARD_WORDS = [b"IO:0101", b"IO:", b"CP:SIOPlugin", b"IT:12", b"OK", b"VI:1", b"IC:", b"XT DHT",
               b"RR", b"ERROR: x"]
CLIENT_WORDS = [b'{"command":"status"}', b'{"command":', b'{"command":"watch"}', b'{"a":[[[[',
                b'{"command":"send","line":"G28"}', b'"\\ud800"', b"null", b"[]"]
ALL_WORDS = HOST_WORDS + PRINTER_WORDS + BOARD_WORDS + CLIENT_WORDS


class Floods(MachineTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.turns = [] # seconds that others have waited

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
        wait_until("the board hears of it", lambda: board.pin(LIGHT) == state, PATIENCE, 0.002)
        self.turns.append(time.monotonic() - begin)

    def assert_prompt(self):
        """Others were served soon; not each of them, for we may not have had the processor."""
        self.assertLess(sorted(self.turns)[len(self.turns) // 2], PROMPT)

    def watch_flood(self, flood, daemon, board, control, also=lambda: None):
        """While it goes on everybody else is served, and the daemon does not grow."""
        before = resident(daemon.pid)
        turns = 0
        end = time.monotonic() + 4 * PATIENCE
        while flood.is_alive() or turns == 0:
            self.assertLess(time.monotonic(), end, "it is not read")
            self.watch_turn(turns, board, control)
            also()
            self.assert_small(daemon, before)
            turns += 1
        self.assert_small(daemon, before)
        self.assert_prompt()

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
        reading = Background("the host reads", lambda: self.read_x(host, MEGABYTES << 20))
        flood = Flood(printer.master, (part for part in (*long_line(MEGABYTES), b"\n")),
                      printer.voice)
        host.write(b"M117 spoken\n") # its ok comes behind the long line
        self.watch_flood(flood, daemon, board, control)
        reading.finish(2 * PATIENCE)
        self.assertIn(b"M117 spoken\n", printer.received)
        host.write(b"M115\n")
        host.wait_for(b"FIRMWARE_NAME")

    @staticmethod
    def read_x(host, count):
        """So many of them, and nothing behind the last."""
        while count > 0:
            select.select([host.fd], [], [], PATIENCE)
            data = os.read(host.fd, min(count, 65536))
            count -= data.count(b"x")

    def test_a_printer_that_talks_to_a_host_that_does_not_read(self):
        """It is held back, nothing is lost, nobody else notices."""
        daemon, printer, board, control = self.flooded()
        host = self.host(daemon)
        host.ask(b"M115")
        heard = 0
        flood = Flood(printer.master, (b"echo:spam\n" * 100000 for _ in range(MEGABYTES // 10)),
                      printer.voice)
        begin = resident(daemon.pid)
        for turn in range(20):
            self.watch_turn(turn, board, control)
            self.assert_small(daemon, begin)
        self.assertTrue(flood.is_alive())
        self.assert_prompt()
        end = time.monotonic() + 2 * PATIENCE
        while heard < MEGABYTES // 10 * 1000000 and time.monotonic() < end:
            select.select([host.fd], [], [], PATIENCE)
            heard += len(os.read(host.fd, 65536))
        self.assertEqual(heard, flood.written)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assert_small(daemon, begin)

    def flood_board(self, chunks):
        """Instead of the board somebody else says that; the host is served, the board comes back."""
        daemon, _, board, control = self.flooded()
        host = self.host(daemon)
        before = resident(daemon.pid)
        board.kill()
        daemon.wait_for("board", "lost")
        master, slave = os.openpty()
        self.addCleanup(os.close, slave)
        tty.setraw(slave)
        os.symlink(os.ttyname(slave), board.link)
        flood = Flood(master, chunks)
        end = time.monotonic() + 4 * PATIENCE
        while flood.is_alive() or not self.turns:
            begin = time.monotonic()
            self.assertLess(begin, end, "it is not read")
            self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
            self.turns.append(time.monotonic() - begin)
            self.assert_small(daemon, before)
        self.assert_prompt()
        os.unlink(board.link)
        os.close(master)
        daemon.wait_for("board", "lost") # it may have been taken for one
        board.begin()
        daemon.wait_for("board", "online")
        self.watch_turn(0, board, control)
        self.assert_small(daemon, before)
        self.assertEqual(daemon.stop(), 0)
        return flood.written

    def test_a_line_without_an_end_at_the_board_port(self):
        self.assertEqual(self.flood_board(long_line(MEGABYTES)), MEGABYTES << 20)

    def test_garbage_at_the_board_port(self):
        self.flood_board(garbage(self.random, 50000 * max(4, MOMENTS),
                                 BOARD_WORDS * 3 + HOST_WORDS + CLIENT_WORDS))

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

    def test_garbage_at_every_other_port(self):
        daemon, printer, _, control = self.flooded()
        before = 0
        for _ in range(max(3, MOMENTS // 4)):
            seed = self.random.randrange(1 << 30)
            host = self.host(daemon)
            clients = [self.control(daemon) for _ in range(4)]
            self.pour_garbage(seed, daemon, printer, host, clients, control)
            host.close()
            for client in clients:
                client.close()
            printer.vanish()
            daemon.wait_for("printer", "offline")
            printer.come_back()
            daemon.wait_for_printer()
            os.write(printer.master, b"start\n")
            host = self.host(daemon)
            host.write(b"\n" + numbered(0, b"M110 N0") + b"\nM115\n")
            host.wait_for(b"FIRMWARE_NAME")
            host.close()
            daemon.wait_for("host", "disconnected")
            before = before or resident(daemon.pid)
        self.assert_small(daemon, before)
        self.assert_prompt()
        self.assertEqual(daemon.stop(), 0)

    def pour_garbage(self, seed, daemon, printer, host, clients, control):
        """All of the host's and the printer's is taken; a client may be thrown out."""
        floods = [Flood(fd, garbage(random.Random(seed + number), 200000, words))
                  for number, (fd, words) in enumerate(
                      [(host.fd, ALL_WORDS), (printer.master, PRINTER_WORDS)] +
                      [(client.socket.fileno(), ALL_WORDS) for client in clients])]
        end = time.monotonic() + PATIENCE
        while any(flood.is_alive() for flood in floods[:2]):
            self.assertLess(time.monotonic(), end, f"seed {seed}: stuck")
            if select.select([host.fd], [], [], 0.01)[0]:
                host.read()
                host.heard = b""
            for client in clients:
                if select.select([client.socket], [], [], 0)[0]:
                    with contextlib.suppress(OSError):
                        client.socket.recv(65536)
            begin = time.monotonic()
            self.assertTrue(control.ask(command="points")["ok"])
            self.turns.append(time.monotonic() - begin)
        for flood in floods:
            flood.end()
        daemon.program.check_alive()


if __name__ == "__main__":
    unittest.main()
