#!/usr/bin/env python3
"""The printer's power, with a real OctoPrint: M80 in the terminal, a print, off when it is cool."""

import threading

import print_file
import scenario
from process import wait_until

RELAY = 16
SPEED = 40  # of the printer: it heats and cools in seconds

FILE = b"M104 S200\nM109 S200\n" + print_file.cold(first_layers=1) + b"M104 S0\nM81 S\n"


class Supply(threading.Thread):
    """The wire between the board's relay and the printer's supply."""

    def __init__(self, board, printer):
        super().__init__(daemon=True)
        self.board = board
        self.printer = printer
        self.done = threading.Event()

    def run(self):
        seen = 0
        while not self.done.wait(0.02):
            changes = self.board.changes(RELAY)
            for on in changes[seen:]:
                self.printer.power(on)
            seen = len(changes)


class Machine(scenario.Scenario):
    """A printer that has power while the board's relay is on."""

    PRINTER_ON_PTY = True
    PRINTER_OPTIONS = ("--speed", str(SPEED))
    BOARD_ON_PTY = True
    POINTS = "  relay: {io: 16, type: output, start: off}\n"

    @classmethod
    def prepare(cls):
        cls.printer.power(False)
        cls.supply = Supply(cls.board, cls.printer)
        cls.supply.start()

    @classmethod
    def tearDownClass(cls):
        cls.supply.done.set()
        cls.supply.join()
        super().tearDownClass()

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines(),
                                    "echo:sioproxy error: psu: ")

    def psu(self):
        return self.proxy.status()["psu"]["state"]


class Power(Machine):
    MORE = "psu: {point: relay, boot: 20s, cool_below: 50C}\n"
    # As `sioctl octoprint` has them: what the job does is known at once then.
    SCRIPTS = {"beforePrintStarted": "M889 J1\n", "afterPrintDone": "M889 J4\n",
               "afterPrintCancelled": "M889 J5\n"}

    def wait_for_psu(self, state):
        wait_until("the power is " + state, lambda: self.psu() == state)

    def test_octoprint_connects_to_a_printer_that_is_off(self):
        self.wait_for_psu("off")
        self.octoprint.connect()
        since = len(self.octoprint.heard())
        self.assertIn("echo:sioproxy error: psu: ", "\n".join(self.octoprint.ask("G28")))
        self.octoprint.upload("part.gcode", FILE)
        self.octoprint.print("part.gcode")
        self.octoprint.wait_for_received("//action:cancel", since)
        self.octoprint.wait_for_state("Operational")
        wait_until("the print is known to be cancelled",
                   lambda: self.proxy.status()["print"]["state"] == "cancelled")
        self.assertEqual(self.printer.executed_count(), 0)
        self.assertEqual(self.printer.states()[-1], "off")

    def test_m80_in_the_terminal_switches_it_on(self):
        since = len(self.octoprint.heard())
        self.octoprint.ask("M80")
        self.wait_for_psu("on")
        wait_until("the printer is online",
                   lambda: self.proxy.status()["printer"]["state"] == "online")
        self.assertEqual(self.printer.states()[-1], "up")
        self.assertEqual(self.board.changes(RELAY), [True])
        self.assertTrue(self.octoprint.state().startswith("Operational"))
        self.assertNotIn("start", self.octoprint.heard()[since:])

    def test_after_the_print_it_goes_off_when_it_is_cool(self):
        mark = self.printer.executed_count()
        watch = self.proxy.watch()
        self.octoprint.print("part.gcode")
        self.octoprint.wait_for_end()
        self.wait_for_psu("off")
        watch.stop()
        wait_until("the printer is off", lambda: self.printer.states()[-1] == "off")
        self.assertEqual(self.board.changes(RELAY), [True, False])
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(FILE[:-len(b"M81 S\n")]), "M400")
        states = [(event["event"], event["state"]) for event in watch.events
                  if event["event"] in ("print", "psu")]
        self.assertEqual(states, [("print", "started"), ("print", "finished"), ("psu", "off")])
        # What was known of the heaters then: status forgets it when the printer is silent.
        off = [event["event"] for event in watch.events].index("psu")
        last = {event["name"]: float(event["state"]) for event in watch.events[:off]
                if event["event"] == "temperature"}
        self.assertLess(last["tool0"], 50)
        self.assertLess(max(last.values()), 50)

    def test_octoprint_stays_connected(self):
        self.assertTrue(self.octoprint.state().startswith("Operational"))
        self.octoprint.ask("M105 S0")
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(Power)
