#!/usr/bin/env python3
"""The printer's power by sioctl and M80, with a simulated printer that hangs on a simulated board."""

import json
import unittest

from machine import MachineTest

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


if __name__ == "__main__":
    unittest.main()
