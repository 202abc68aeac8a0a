#!/usr/bin/env python3
"""M112 from OctoPrint halts the printer at once, and connecting again brings it back."""

import print_file
import scenario
from process import wait_until


class HaltFromOctoPrint(scenario.Scenario):
    def printer_state(self):
        return self.proxy.status()["printer"]["state"]

    def test_m112_halts_the_printer_in_mid_print(self):
        self.octoprint.connect()
        self.octoprint.upload("halted.gcode", print_file.walking(60))
        self.octoprint.print("halted.gcode")
        wait_until("the light of layer 2", lambda: self.proxy.point("light") == "on")
        self.octoprint.command("M112")
        self.octoprint.wait_for_disconnect()
        wait_until("the printer is halted", lambda: self.printer_state() == "halted")
        wait_until("the proxy sees that OctoPrint has gone",
                   lambda: self.proxy.status()["host"]["state"] == "disconnected")
        print_file.check_serial_log(self.octoprint.serial_lines(), r"kill\(\) called")

    def test_connecting_again_brings_it_back(self):
        received = len(self.octoprint.received())
        self.octoprint.connect()
        self.octoprint.wait_for_received("FIRMWARE_NAME", received)
        self.assertEqual(self.printer_state(), "online")
        lines = self.octoprint.serial_lines()
        last_opening = max(i for i, (_, text) in enumerate(lines)
                           if text.startswith("Connected to:"))
        print_file.check_serial_log(lines[last_opening:])

    def test_it_prints_again_after_the_halt(self):
        self.octoprint.command("M42 Plight S0")
        self.proxy.wait_for_point("light", "off")
        self.octoprint.upload("again.gcode", print_file.walking(1))
        self.octoprint.print("again.gcode")
        self.octoprint.wait_for_end()
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(HaltFromOctoPrint)
