#!/usr/bin/env python3
"""The emergency stop and a door rule, with a real OctoPrint: what stops stays stopped."""

import print_file
import scenario
from process import read_text, wait_until

BUTTON, DOOR, HEATER = 0, 2, 15

# A normally closed contact to ground: pressed, or its wire cut, reads high.
POINTS = """\
  estop:   {io: 0,  type: input,  active: high, debounce: 20ms}
  heater:  {io: 15, type: output, start: on, halt: off}
"""

RULES = """\
rules:
  - name: door opened
    when: {point: door, becomes: on, for: 300ms}
    if: {print: printing}
    do: [pause, {notify: 'Door opened: print paused'}]
"""

# What the serial log tells of a stop, and of the printer's reset after it.
ALLOWED = r"kill\(\) called|emergency stop|External reset"

# Seconds that a print goes on if nobody stops it: far more than it takes to do so.
PLENTY = 60


class Stop(scenario.Scenario):
    POINTS = POINTS

    def printer_state(self):
        return self.proxy.status()["printer"]["state"]

    def wait_for_printer(self, state):
        wait_until("the printer is " + state, lambda: self.printer_state() == state)

    def print_until_light(self, name, seconds=PLENTY):
        """Prints until the light goes on, with so much yet to be printed; returns the file."""
        data = print_file.walking(seconds)
        self.octoprint.upload(name, data)
        self.octoprint.print(name)
        self.proxy.wait_for_point("light", "on")
        return data

    def print_to_the_end(self, name):
        """Returns the file."""
        data = print_file.walking(1)
        self.octoprint.upload(name, data)
        self.octoprint.print(name)
        self.octoprint.wait_for_end()
        return data

    def wait_for_error(self):
        """OctoPrint has gone offline and shows why."""
        self.octoprint.wait_for_state(("Offline after error", "Error"))
        self.assertIn("Printer halted", self.octoprint.error())
        wait_until("the proxy sees that OctoPrint has gone",
                   lambda: self.proxy.status()["host"]["state"] == "disconnected")

    def check_refused(self, line, words):
        """A line typed in the terminal is answered by words, and by an ok after them."""
        self.assertIn(words, "\n".join(self.octoprint.ask(line)))

    def wait_until_it_is_back(self, received):
        """After a reset it is when OctoPrint has read all it says then: a start ends a print."""
        self.octoprint.wait_for_received("SD card ok", received)
        self.wait_for_printer("online")
        self.octoprint.wait_for_state("Operational")

    def finish(self):
        self.octoprint.stop()
        self.proxy.stop()


class StopAndDoor(Stop):
    """The printer and the board outlive the daemon, and what reaches the printer is written down."""

    PRINTER_ON_PTY = True
    BOARD_ON_PTY = True
    MORE = "estop: {point: estop}\nrules: [door.yaml]\n"

    @classmethod
    def prepare(cls):
        cls.write("door.yaml", RULES)
        cls.board.input(BUTTON, False)

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines(), ALLOWED)

    def stored_latch(self):
        return "latch estop\n" in read_text(self.proxy.state)

    def check_only_m112_since(self, mark):
        # M29 ends a file that a printer might be writing which does not obey.
        lines = self.printer.wire()[mark:].split("\n")
        self.assertEqual({line for line in lines if line} - {"M112", "M29"}, set())

    def test_an_open_door_pauses_the_print_and_the_user_resumes_it(self):
        self.proxy.wait_for_estop("armed")
        self.octoprint.connect()
        self.proxy.wait_for_point("heater", "on")
        mark = self.printer.executed_count()
        data = self.print_until_light("door.gcode", PLENTY / 2)
        received = len(self.octoprint.heard())
        self.board.input(DOOR, False)
        self.octoprint.wait_for_state("Paused")
        self.octoprint.wait_for_received("//action:notification Door opened: print paused", received)
        wait_until("the print is known to be paused",
                   lambda: self.proxy.status()["print"]["state"] == "paused")
        self.board.input(DOOR, True)
        self.proxy.wait_for_point("door", "off")
        self.octoprint.command(print_file.HURRY)
        self.octoprint.resume()
        self.octoprint.wait_for_end()
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(data),
                                  r"M400|M114|" + print_file.HURRY)
        self.assertEqual(self.octoprint.heard()[received:].count("//action:pause"), 1)
        self.assertEqual(self.proxy.status()["counters"]["lost_oks"], 0)

    def test_the_button_stops_a_print(self):
        self.print_until_light("stopped.gcode")
        mark = len(self.printer.wire())
        self.board.input(BUTTON, True)
        self.wait_for_error()
        wait_until("the printer is halted", lambda: self.printer.states()[-1] == "halted")
        wait_until("the heater is off", lambda: self.board.changes(HEATER) == [True, False])
        self.assertEqual(self.proxy.estop(), "tripped")
        wait_until("the latch is stored", self.stored_latch)
        # Of what was on its way when it was pressed nothing follows the first M112.
        mark += self.printer.wire()[mark:].index("M112\n")
        self.check_only_m112_since(mark)

    def test_while_it_is_pressed_octoprint_talks_to_the_stand_in(self):
        mark = len(self.printer.wire())
        since = len(self.octoprint.received())
        self.octoprint.connect()
        self.octoprint.wait_for_received("//action:notification Emergency stop latched", since)
        self.check_refused("G28", "echo:sioproxy error: estop: ")
        self.check_refused("M999", "still pressed")
        since = len(self.octoprint.received())
        self.octoprint.print("stopped.gcode")
        self.octoprint.wait_for_received("//action:cancel", since)
        self.octoprint.wait_for_state("Operational")
        self.board.input(BUTTON, False)
        self.proxy.wait_for_estop("latched")
        self.check_refused("G28", "echo:sioproxy error: estop: ")
        self.check_only_m112_since(mark)

    def test_the_latch_survives_restarts_of_daemon_and_printer(self):
        mark = len(self.printer.wire())
        self.octoprint.disconnect()
        self.proxy.stop()
        self.proxy.start()
        self.assertEqual(self.proxy.estop(), "latched")
        wait_until("the board is back",
                   lambda: self.proxy.status()["board"]["state"] == "online")
        # An M112 that waits for it halts it in the moment that it is up.
        before = [state for state in self.printer.states() if state != "up"]
        self.printer.reset()
        wait_until("it is halted again after its reset",
                   lambda: [state for state in self.printer.states() if state != "up"] ==
                   before + ["booting", "halted"])
        self.assertEqual(self.proxy.estop(), "latched")
        self.check_only_m112_since(mark)

    def test_a_button_held_over_a_restart_stops(self):
        mark = len(self.printer.wire())
        self.proxy.stop()
        self.board.input(BUTTON, True)
        self.proxy.start()
        self.proxy.wait_for_estop("tripped")
        self.board.input(BUTTON, False)
        self.proxy.wait_for_estop("latched")
        self.assertEqual(self.board.changes(HEATER), [True, False])
        self.check_only_m112_since(mark)

    def test_m999_in_the_terminal_resets_and_it_prints_again(self):
        self.octoprint.connect()
        self.octoprint.ask("M999")
        self.proxy.wait_for_estop("armed")
        wait_until("no latch is stored", lambda: not self.stored_latch())
        received = len(self.octoprint.received())
        self.printer.reset()
        self.wait_until_it_is_back(received)
        mark = self.printer.executed_count()
        data = self.print_to_the_end("again.gcode")
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(data), "M400")
        self.octoprint.disconnect()
        self.finish()


class StopWithoutOctoPrint(Stop):
    """A printer with DTR, and an OctoPrint that hangs, or is not there."""

    MORE = "estop: {point: estop}\n"

    def press(self):
        self.proxy.do("sim", "estop", "on")
        self.wait_for_printer("halted")
        self.proxy.wait_for_estop("tripped")

    def release(self):
        self.proxy.do("sim", "estop", "off")
        self.proxy.wait_for_estop("latched")

    def test_the_button_stops_while_octoprint_hangs(self):
        self.proxy.wait_for_estop("armed")
        self.octoprint.connect()
        self.print_until_light("hung.gcode")
        self.proxy.do("set", "heater", "on")
        self.proxy.wait_for_point("heater", "on")
        self.octoprint.program.freeze()
        try:
            self.press()
            self.proxy.wait_for_point("heater", "off")
        finally:
            self.octoprint.program.thaw()
        self.wait_for_error()

    def test_m999_brings_the_printer_back_and_it_prints_again(self):
        self.octoprint.connect()
        self.release()
        received = len(self.octoprint.heard())
        self.octoprint.command("M999")
        self.proxy.wait_for_estop("armed")
        self.wait_until_it_is_back(received)
        self.print_to_the_end("again.gcode")

    def test_the_button_stops_without_an_octoprint(self):
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.do("set", "heater", "on")
        self.proxy.wait_for_point("heater", "on")
        self.press()
        self.proxy.wait_for_point("heater", "off")
        self.release()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(StopAndDoor, StopWithoutOctoPrint)
