#!/usr/bin/env python3
"""A real OctoPrint prints on a printer that is off: `auto_on: print`, with no marks in its scripts."""

import print_file
import scenario
from process import wait_until
from test_power import FILE, RELAY, Machine


class AutoOn(Machine):
    MORE = "psu: {point: relay, boot: 20s, auto_on: print}\n"

    def prints(self, changes):
        mark = self.printer.executed_count()
        self.octoprint.print("part.gcode")
        self.octoprint.wait_for_end()
        wait_until("the power is off", lambda: self.psu() == "off")
        self.assertEqual(self.board.changes(RELAY), changes)
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(FILE[:-len(b"M81 S\n")]), "M400")

    def test_it_numbers_all_it_says_and_its_print_is_seen(self):
        wait_until("the power is off", lambda: self.psu() == "off")
        self.octoprint.connect()
        self.octoprint.upload("part.gcode", FILE)
        self.prints([True, False])

    def test_a_move_that_is_no_print_is_refused(self):
        self.assertIn("echo:sioproxy error: psu: ", "\n".join(self.octoprint.ask("G28")))
        self.assertEqual(self.psu(), "off")

    def test_and_again_when_it_knows_the_printer(self):
        self.prints([True, False, True, False])
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(AutoOn)
