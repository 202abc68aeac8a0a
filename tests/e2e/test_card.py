#!/usr/bin/env python3
"""OctoPrint prints from the printer's SD card: codes of ours in that file switch the board, too."""

import print_file
import scenario
from process import wait_until

# The printer knows neither M64 and M65 nor M750; M42 it does. The print does not wait for the board:
# that may do two of them at once, and tells them in the order of its outputs then.
FILE = b"""G90
M65 Plight
M750 S7
G1 X10 F6000
M64 Pfan
M751 S1
M42 P12 S1
""" + b"".join(print_file.walk(1))

RULES = """\
rules:
  - name: picture
    when: {gcode: M750}
    do: [{set: {shutter: on}}, {say: 'picture ${S}'}]
"""


class PrintFromTheCard(scenario.Scenario):
    PRINTER_ON_PTY = True
    MORE = "rules: [card.yaml]\n"

    @classmethod
    def prepare(cls):
        cls.write("card.yaml", RULES)

    def test_a_file_is_stored_on_the_card_and_no_code_in_it_is_carried_out(self):
        self.octoprint.connect()
        watch = self.proxy.watch()
        type(self).name = self.octoprint.upload_to_card("card.gcode", FILE)
        watch.stop()
        self.assertEqual([event for event, _ in watch.of("point")], [])
        print_file.check_serial_log(self.octoprint.serial_lines())

    def test_codes_that_the_printer_does_not_know_are_carried_out_as_it_prints_them(self):
        self.proxy.do("set", "light", "on")
        received = len(self.octoprint.heard())
        mark = self.printer.executed_count()
        watch = self.proxy.watch()
        self.octoprint.print(self.name, "sdcard")
        wait_until("the print is seen", lambda: watch.of("print"))
        self.octoprint.wait_for_end()
        wait_until("the end is seen", lambda: len(watch.of("print")) == 2)
        wait_until("all is switched", lambda: len(watch.of("point")) == 3)
        watch.stop()
        self.assertEqual([(event["name"], event["state"]) for event, _ in watch.of("point")],
                         [("light", "off"), ("shutter", "on"), ("fan", "on")])
        self.assertEqual([event["state"] for event, _ in watch.of("print")],
                         ["started", "finished"])
        heard = self.octoprint.heard()[received:]
        self.assertIn("echo:picture 7", heard)
        self.assertEqual([line for line in heard if "Unknown command" in line],
                         ['echo:Unknown command: "M751 S1"'])
        print_file.check_executed(self.printer.executed()[mark:], print_file.commands(FILE),
                                  r"M23 .*|M24|M400")


if __name__ == "__main__":
    scenario.run(PrintFromTheCard)
