#!/usr/bin/env python3
"""Filament runs out in a print of a real OctoPrint: it is changed, and the print goes to its end."""

import print_file
import scenario
from process import wait_until

RUNOUT = 1
SPEED = 10  # of the printer: its change of filament takes eleven seconds else

# A switch that is closed, to ground, while filament is there.
POINTS = "  runout: {io: 1, type: input, active: high, debounce: 50ms}\n"


class RunoutInAPrint(scenario.Scenario):
    PRINTER_ON_PTY = True
    PRINTER_OPTIONS = ("--speed", str(SPEED))
    BOARD_ON_PTY = True
    POINTS = POINTS
    MORE = "filament: {point: runout}\n"
    DATA = print_file.walking(30, speed=SPEED)

    @classmethod
    def prepare(cls):
        cls.board.input(RUNOUT, False)

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines())

    def wait_for_filament(self, state):
        wait_until("filament is " + state,
                   lambda: self.proxy.status()["filament"]["state"] == state)

    def test_a_runout_pauses_octoprint_and_the_printer_changes_filament(self):
        self.wait_for_filament("present")
        self.octoprint.connect()
        self.octoprint.upload("runout.gcode", self.DATA)
        type(self).mark = self.printer.executed_count()
        self.octoprint.print("runout.gcode")
        self.proxy.wait_for_point("light", "on")
        self.board.input(RUNOUT, True)
        self.octoprint.wait_for_state("Paused")
        self.wait_for_filament("missing")
        wait_until("OctoPrint shows that filament is to be inserted",
                   lambda: self.octoprint.prompt() == ("Nozzle Parked", ["Continue"]))
        self.assertEqual(self.printer.wire().count("M600"), 1)

    def test_resumed_it_prints_to_the_end_and_no_line_is_lost(self):
        self.board.input(RUNOUT, False)
        self.wait_for_filament("present")
        self.octoprint.resume()
        self.octoprint.command(print_file.HURRY)
        self.octoprint.wait_for_end()
        executed = self.printer.executed()[self.mark:]
        extras = print_file.check_executed(executed, print_file.for_the_printer(self.DATA),
                                           r"M600|M108|M876 S\d|M400|" + print_file.HURRY)
        self.assertEqual([line for line, _ in extras].count("M600"), 1)
        self.assertEqual(self.proxy.status()["counters"]["lost_oks"], 0)
        self.assertIsNone(self.octoprint.prompt())
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(RunoutInAPrint)
