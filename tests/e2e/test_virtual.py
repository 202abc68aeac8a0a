#!/usr/bin/env python3
"""
OctoPrint's own virtual printer behind the proxy: what it does differently from the printer of
ours, and what it does wrong on purpose, costs no line.
"""

import time

import print_file
import scenario
from process import wait_until
from proxy_daemon import VirtualPrinter

SPEED = 10  # it moves ten times as fast as it is told to

# Lines that it refuses once each: as always, with an error and nothing else, and by their checksum.
# The fourth of its default, `105:resend_with_timeout`, takes a line and does not carry it out.
ERRORS = "simulated_errors=['100:resend', '110:missing_lineno', '115:checksum_mismatch']"

# Without PROMPT_SUPPORT OctoPrint keeps the answer to a prompt until the next ok. Without LFN_WRITE
# it gives files short names, which this printer forgets to list.
CAPABILITIES = ("capabilities={AUTOREPORT_TEMP: true, AUTOREPORT_SD_STATUS: true, "
                "EMERGENCY_PARSER: true, PROMPT_SUPPORT: true, LFN_WRITE: true}")


class PrintsOnTheVirtualPrinter(scenario.Scenario):
    PRINTER_ON_PTY = True
    PRINTER = VirtualPrinter
    PRINTER_OPTIONS = ("sendBusy=true", ERRORS, CAPABILITIES)
    DATA = print_file.cold(2)
    WALK = print_file.walking(20, speed=SPEED)

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines())

    def check_executed(self, mark, data):
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(data), r"M400|M114|M220.*")
        self.assertEqual(self.proxy.status()["counters"]["lost_oks"], 0)

    def test_a_file_is_printed_though_lines_are_refused(self):
        self.octoprint.connect()
        self.octoprint.upload("errors.gcode", self.DATA)
        mark = self.printer.executed_count()
        self.octoprint.print("errors.gcode")
        self.octoprint.wait_for_end()
        self.check_executed(mark, self.DATA)
        self.assertGreaterEqual(self.proxy.status()["counters"]["resends"], 3)

    def test_it_is_paused_at_once_and_resumed(self):
        self.octoprint.upload("walk.gcode", self.WALK)
        mark = self.printer.executed_count()
        self.octoprint.print("walk.gcode")
        self.proxy.wait_for_point("light", "on")
        begin = len(self.octoprint.received())
        self.octoprint.pause()
        self.octoprint.wait_for_state("Paused")
        # For which OctoPrint has waited: its position, in the line of the ok.
        self.assertTrue(any(line.startswith("ok X:")
                            for line in self.octoprint.received()[begin:]))
        self.octoprint.resume()
        self.octoprint.command(print_file.HURRY)
        self.octoprint.wait_for_end()
        self.check_executed(mark, self.WALK)

    def test_a_change_of_filament_ends_by_its_prompt(self):
        self.octoprint.command("M600")
        wait_until("OctoPrint shows the prompt",
                   lambda: self.octoprint.prompt() == ("Heater Timeout", ["Reheat"]))
        time.sleep(6)  # longer than an ok may be overdue: a question would be answered in between
        self.octoprint.choose(0)
        wait_until("the prompt is gone", lambda: self.octoprint.prompt() is None)
        begin = len(self.octoprint.received())
        self.octoprint.command("M114")
        self.octoprint.wait_for_received("ok X:", begin)
        self.assertEqual(self.proxy.status()["counters"]["lost_oks"], 0)

    def test_a_file_is_printed_from_its_card(self):
        # Fewer than a hundred lines: in an upload it answers its line 110 and then asks for it.
        name = self.octoprint.upload_to_card("from_its_card.gcode",
                                             b"".join(print_file.walk(5)))
        self.octoprint.print(name, "sdcard")
        self.octoprint.wait_for_received("Done printing file")
        self.octoprint.wait_for_state("Operational")
        self.assertEqual(self.proxy.status()["counters"]["lost_oks"], 0)
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(PrintsOnTheVirtualPrinter)
