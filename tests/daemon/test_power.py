#!/usr/bin/env python3
"""The printer's power by sioctl and M80, with a simulated printer that hangs on a simulated board."""

import json
import unittest

from machine import PATIENCE, MachineTest, read_text, wait_until
from torture import Peer

POWER = """  relay: {io: 13, type: output, active: low, start: off}
  good: {io: 3, type: input}
  runout: {io: 1, type: input}
psu: {point: relay, sense: good, boot: 20s}
filament: {point: runout}
"""


class Power(MachineTest):
    def setUp(self):
        super().setUp()
        self.proxy = self.daemon(board="simulated", extra=POWER)
        self.proxy.wait_for("board", "online")
        self.proxy.wait_for("psu", "off")

    def sioctl(self, *words):
        return self.proxy.run_sioctl(*words)

    def test_sioctl_switches_it_and_tells_its_state(self):
        self.assertEqual(self.sioctl("psu", "state"), (1, "off\n", ""))
        self.assertEqual(self.sioctl("psu", "on"), (0, "on\n", ""))
        self.assertEqual(self.sioctl("psu", "state"), (0, "on\n", ""))
        self.assertEqual(self.sioctl("get", "good"), (0, "on\n", ""))
        self.assertIn("psu      on\n", self.sioctl("status")[1])
        self.proxy.wait_for("printer", "online")
        self.assertEqual(json.loads(self.sioctl("psu", "off", "--json")[1]),
                         {"ok": True, "state": "off"})
        self.assertEqual(self.sioctl("set", "relay", "on"), (0, "on\n", ""))
        self.assertEqual(self.sioctl("psu", "off", "--force"), (0, "off\n", ""))

    def test_without_the_board_it_is_unknown_and_cannot_be_switched(self):
        self.sioctl("sim", "board", "unplug")
        self.proxy.wait_for("psu", "unknown")
        self.assertEqual(self.sioctl("psu", "state"), (4, "unknown\n", ""))
        code, _, error = self.sioctl("psu", "on")
        self.assertEqual((code, error), (1, "sioctl: the IO board is not connected\n"))

    def test_m80_in_the_terminal(self):
        host = self.host(self.proxy)
        answer = b""
        while not answer.startswith(b"ok T:0.00 /0.00 B:0.00"):  # not the stand-in yet
            host.write(b"M105\n")
            answer = host.wait_for(b"\n")
        host.write(b"M80\n")
        said = host.wait_for(b"\nok\n")
        self.assertIn(b"FIRMWARE_NAME:", said)
        self.assertNotIn(b"start\n", said)
        self.assertEqual(self.sioctl("psu", "state")[0], 0)

    def test_octoprints_read_button_is_answered_to_all_that_it_shows(self):
        host = self.host(self.proxy)
        shown = json.loads(self.sioctl("octoprint", "--json")[1])["controls"][1]["children"]
        self.assertEqual([part["name"] for part in shown[-3:]], ["Power", "Filament", "Read"])
        heard = b"".join(host.ask(command.encode()) for command in shown[-1]["commands"]).decode()
        for part in shown[:-1]:
            self.assertRegex(heard, part["regex"])


RELAY = 13
PENDING = """  relay: {io: 13, type: output}
psu: {point: relay, boot: 20s}
"""


class Pending(MachineTest):
    """Off when cool, asked for and still to come while the daemon is restarted."""

    def setUp(self):
        super().setUp()
        self.printer = Peer("sim_printer_pty", self.path("printer-port"),
                            self.path("executed.log"), "--speed", "100")
        self.addCleanup(self.printer.end)
        self.board = Peer("sim_board_pty", self.path("board-port"), self.path("board.log"),
                          "--runs-on")
        self.addCleanup(self.board.end)
        self.proxy = self.daemon(printer=self.printer.link, board=self.board.link, extra=PENDING)
        self.proxy.wait_for("board", "online")
        self.assertEqual(self.proxy.run_sioctl("psu", "on")[0], 0)
        self.say("M104 S60")
        self.say("M81 S")
        self.proxy.wait_for_log("psu: off when all is cool")

    def say(self, line):
        host = self.host(self.proxy)
        host.ask(line.encode())
        host.close()

    def comes_back_and_goes_off(self):
        self.proxy.start()
        self.proxy.wait_for_log("psu: off is still to come, as asked for before the restart")
        self.proxy.wait_for("psu", "on")
        self.say("M104 S0")
        wait_until("the power is off", lambda: not self.board.pin(RELAY), PATIENCE)
        self.proxy.wait_for("psu", "off")
        wait_until("nothing is pending", lambda: "psu" not in read_text(self.proxy.state), PATIENCE)

    def test_it_survives_a_restart(self):
        self.proxy.stop()
        self.comes_back_and_goes_off()

    def test_it_survives_kill_9(self):
        wait_until("it is stored", lambda: "psu off cool\n" in read_text(self.proxy.state), PATIENCE)
        self.proxy.kill()
        self.comes_back_and_goes_off()


if __name__ == "__main__":
    unittest.main()
