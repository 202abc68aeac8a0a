#!/usr/bin/env python3
"""The emergency stop of a real daemon does not wait for what may take its time: disks, printers."""

import os
import resource
import signal
import unittest

from machine import PATIENCE, MachineTest, read_text, wait_until
from torture import Peer

BUTTON, HEATER = 0, 15
EXTRA = """\
  button: {io: 0, type: input, active: high, debounce: 20ms}
  heater: {io: 15, type: output, start: on, halt: off}
estop: {point: button}
"""


class Stop(MachineTest):
    def setUp(self):
        super().setUp()
        self.wire = self.path("wire")
        self.printer = Peer("sim_printer_pty", self.path("printer-port"),
                            self.path("executed.log"), "--wire", self.wire)
        self.addCleanup(self.printer.end)
        self.board = Peer("sim_board_pty", self.path("board-port"), self.path("board.log"))
        self.addCleanup(self.board.end)
        self.board.tell(f"in {BUTTON} 0")
        self.daemon = self.daemon(printer=self.printer.link, board=self.board.link, extra=EXTRA)
        self.daemon.wait_for("estop", "armed")
        self.daemon.wait_for_printer()
        wait_until("the heater is on", lambda: self.board.pin(HEATER), PATIENCE)

    def press(self):
        self.board.tell(f"in {BUTTON} 1")

    def wait_for_m112(self):
        wait_until("M112 reaches the printer", lambda: "M112\n" in read_text(self.wire), PATIENCE)

    def wait_for_heater(self):
        wait_until("the heater is off", lambda: not self.board.pin(HEATER), PATIENCE)

    def test_a_disk_that_takes_its_time_does_not_hold_it_up(self):
        # Opening a pipe takes until somebody opens its other end.
        pipe = self.daemon.state + ".new"
        os.mkfifo(pipe)
        self.press()
        self.wait_for_m112()
        self.wait_for_heater()
        other_end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, other_end)
        self.daemon.wait_for("estop", "tripped")

    def test_a_disk_that_hangs_does_not_hold_the_end_up(self):
        os.mkfifo(self.daemon.state + ".new")
        self.press()
        self.wait_for_m112()
        self.daemon.wait_for("estop", "tripped")
        self.assertEqual(self.daemon.stop(), 0)
        self.assertEqual(self.daemon.logged("state: the disk does not answer"), 1)
        self.assertEqual(self.daemon.logged("record"), 0) # nobody wanted one

    def test_a_printer_that_reads_nothing_does_not_hold_it_up(self):
        host = self.host(self.daemon)
        host.write(b"G1 X1 F6000\n")
        host.wait_for(b"ok")
        self.printer.process.send_signal(signal.SIGSTOP)
        for x in range(50):
            host.write(b"G1 X%d\n" % x)
        self.press()
        self.daemon.wait_for("estop", "tripped")
        self.wait_for_heater()
        wait_until("it is stored", lambda: "latch estop\n" in read_text(self.daemon.state), PATIENCE)
        self.printer.process.send_signal(signal.SIGCONT)
        self.wait_for_m112()
        self.daemon.wait_for("printer", "halted")


class Latch(MachineTest):
    """What opens it, and what works meanwhile."""

    def setUp(self):
        super().setUp()
        self.proxy = self.daemon(board="simulated", extra=EXTRA.replace("high", "low"))
        self.proxy.wait_for("estop", "armed")
        self.proxy.run_sioctl("sim", "button", "on")
        self.proxy.wait_for("estop", "tripped")
        self.proxy.run_sioctl("sim", "button", "off")
        self.proxy.wait_for("estop", "latched")

    def without_the_button(self):
        self.proxy.write_config(board="simulated", extra="  heater: {io: 15, type: output}\n")

    def test_a_reload_without_the_button_is_refused_until_it_is_reset(self):
        self.without_the_button()
        code, _, error = self.proxy.run_sioctl("reload")
        self.assertEqual(code, 1)
        self.assertIn("test.yaml: estop is gone, and it is latched: reset it before\n", error)
        self.assertEqual(self.proxy.run_sioctl("get", "button")[1], "off\n")
        self.assertEqual(self.proxy.status()["estop"]["state"], "latched")
        self.assertEqual(self.proxy.run_sioctl("reset")[0], 0)
        self.assertEqual(self.proxy.run_sioctl("reload")[0], 0)
        self.assertEqual(self.proxy.status()["estop"]["state"], "none")

    def test_a_latch_that_a_full_disk_refuses_is_written_when_there_is_room(self):
        def logged(text):
            return self.proxy.run_sioctl("log")[1].count(text)

        self.assertEqual(self.proxy.run_sioctl("reset")[0], 0)
        wait_until("it is open", lambda: "latch" not in read_text(self.proxy.state), PATIENCE)
        # What it writes to a file from now on is refused as a full disk refuses it, its log too.
        limit = resource.prlimit(self.proxy.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.proxy.pid, resource.RLIMIT_FSIZE, (0, limit[1]))
        self.proxy.run_sioctl("sim", "button", "on")
        wait_until("it is told", lambda: logged("state cannot be written: File too large") == 1,
                   PATIENCE)
        self.proxy.wait_for("estop", "tripped")
        self.assertNotIn("latch", read_text(self.proxy.state)) # and the old one is whole
        wait_until("nothing is left of it", # it may just be at it again
                   lambda: not os.path.exists(self.proxy.state + ".new"), PATIENCE)
        resource.prlimit(self.proxy.pid, resource.RLIMIT_FSIZE, limit)
        wait_until("it is written", lambda: "latch estop\n" in read_text(self.proxy.state), PATIENCE)
        self.assertEqual(logged("state cannot be written"), 1)
        wait_until("that is told", lambda: logged("state is written") == 1, PATIENCE)

    def test_a_restart_without_the_button_leaves_it_latched_until_it_is_reset(self):
        wait_until("it is stored", lambda: "latch estop\n" in read_text(self.proxy.state), PATIENCE)
        self.without_the_button()
        self.proxy.kill()
        self.proxy.start()
        self.assertEqual(self.proxy.status()["estop"]["state"], "latched")
        host = self.host(self.proxy)
        self.assertIn(b"error: estop: ", host.ask(b"G28"))
        self.assertIn(b"echo:sioproxy estop none\n", host.ask(b"M999"))
        self.assertEqual(self.proxy.status()["estop"]["state"], "none")
        wait_until("it is open", lambda: "latch" not in read_text(self.proxy.state), PATIENCE)


class Client(MachineTest):
    """`sioctl estop`, with a button and without one."""

    def sioctl(self, *words):
        return self.proxy.run_sioctl(*words)

    def test_it_trips_and_resets_as_the_button_and_m999_do(self):
        self.proxy = self.daemon(board="simulated", extra=EXTRA)
        self.proxy.wait_for("estop", "armed")
        wait_until("the heater is on", lambda: self.sioctl("get", "heater")[0] == 0, PATIENCE)
        host = self.host(self.proxy)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assertEqual(self.sioctl("estop"), (0, "armed\n", ""))
        self.assertEqual(self.sioctl("estop", "trip")[0], 0)
        host.wait_for(b"Error:Printer halted. kill() called!\n")
        self.proxy.wait_for("printer", "halted")
        self.assertEqual(self.sioctl("estop", "state"), (0, "latched\n", ""))
        wait_until("it is stored", lambda: "latch estop\n" in read_text(self.proxy.state), PATIENCE)
        wait_until("the heater is off", lambda: self.sioctl("get", "heater")[0] == 1, PATIENCE)
        self.assertEqual(self.sioctl("set", "heater", "on")[0], 1)
        self.assertEqual(self.sioctl("send", "G28")[0], 1)
        self.assertEqual(self.sioctl("sim", "button", "on")[0], 0)
        self.proxy.wait_for("estop", "tripped")
        self.assertEqual(self.sioctl("estop", "reset")[0], 1)
        self.assertEqual(self.sioctl("sim", "button", "off")[0], 0)
        self.proxy.wait_for("estop", "latched")
        self.assertEqual(self.sioctl("estop", "reset")[0], 0)
        self.proxy.wait_for("printer", "online")
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assertEqual(self.sioctl("set", "heater", "on")[0], 0)

    def test_without_a_button_it_halts_and_latches_nothing(self):
        self.proxy = self.daemon()
        self.host(self.proxy).ask(b"M115")
        self.assertEqual(self.sioctl("estop", "trip")[0], 0)
        self.proxy.wait_for("printer", "halted")
        self.assertEqual(self.sioctl("estop"), (0, "none\n", ""))


if __name__ == "__main__":
    unittest.main()
