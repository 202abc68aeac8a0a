#!/usr/bin/env python3
"""
OctoPrint's own virtual printer behind the proxy: what it does differently from the printer of
ours, and what it does wrong on purpose, costs no line.
"""

import time

import print_file
import scenario
from process import LONG, Failure, wait_until
from proxy_daemon import VirtualPrinter

PLENTY = 40  # seconds that a print goes on if nobody hurries it
SPEED = 10  # it moves ten times as fast as it is told to

# Lines that it refuses once each: as always, with an error and nothing else, and by their checksum.
# The fourth of its default, `105:resend_with_timeout`, takes a line and does not carry it out.
ERRORS = "simulated_errors=['100:resend', '110:missing_lineno', '115:checksum_mismatch']"

# Without PROMPT_SUPPORT OctoPrint keeps the answer to a prompt until the next ok. Without LFN_WRITE
# it gives files short names, which this printer forgets to list.
CAPABILITIES = ("capabilities={AUTOREPORT_TEMP: true, AUTOREPORT_SD_STATUS: true, "
                "EMERGENCY_PARSER: true, PROMPT_SUPPORT: true, LFN_WRITE: true}")


# By each of these it answers a line, and with the next one says that it has not got it.
FORGETS = ("trigger_resend_lineno", "trigger_resend_checksum", "trigger_missing_checksum")


def once(commands):
    """The commands, without those that follow the same one."""
    return [command for i, command in enumerate(commands) if i == 0 or command != commands[i - 1]]


def stored_twice(stored, commands):
    """
    How many of the commands are twice in a file that holds all of them in order, without line ends.
    """
    twice = 0
    for command in commands:
        if not stored.startswith(command):
            raise Failure("%r in place of %r" % (stored[:40], command))
        stored = stored[len(command):]
        if stored.startswith(command):
            twice += 1
            stored = stored[len(command):]
    if stored:
        raise Failure("%r behind the file" % stored[:40])
    return twice


class PrintsOnTheVirtualPrinter(scenario.Scenario):
    PRINTER_ON_PTY = True
    PRINTER = VirtualPrinter
    PRINTER_OPTIONS = ("sendBusy=true", ERRORS, CAPABILITIES)
    DATA = print_file.cold(2)
    WALK = print_file.walking(PLENTY, speed=SPEED)
    STEPS = [line.decode().strip() for line in print_file.walk(PLENTY, SPEED)]
    lost = 0  # oks, with the lines that it dropped

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines(),
                                    "the printer asks again for a line it has answered: |"
                                    "asks for the same line again and again: print cancelled")

    def lost_oks(self):
        return self.proxy.status()["counters"]["lost_oks"]

    def check_executed(self, mark, data):
        print_file.check_executed(self.printer.executed()[mark:],
                                  print_file.for_the_printer(data), r"M400|M114|M220.*")
        self.assertEqual(self.lost_oks(), self.lost)

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
        begin = len(self.octoprint.heard())
        self.octoprint.pause()
        self.octoprint.wait_for_state("Paused")
        # For which OctoPrint has waited: its position, in the line of the ok.
        self.assertTrue(any(line.startswith("ok X:")
                            for line in self.octoprint.heard()[begin:]))
        self.octoprint.resume()
        self.octoprint.command(print_file.HURRY)
        self.octoprint.wait_for_end()
        self.check_executed(mark, self.WALK)

    def test_it_goes_on_though_lines_are_asked_for_that_were_answered(self):
        self.proxy.do("set", "light", "off")
        mark = self.printer.executed_count()
        resends = self.proxy.status()["counters"]["resends"]
        self.octoprint.print("walk.gcode")
        self.proxy.wait_for_point("light", "on")
        for trick in FORGETS:
            asked = self.proxy.status()["counters"]["resends"]
            self.printer.debug(trick)
            wait_until("it asks again by " + trick,
                       lambda: self.proxy.status()["counters"]["resends"] > asked)
            done = self.printer.executed_count()
            wait_until("it goes on after " + trick,
                       lambda: self.printer.executed_count() > done + 5)
        self.octoprint.command(print_file.HURRY)
        self.octoprint.wait_for_end()
        counters = self.proxy.status()["counters"]
        self.assertGreaterEqual(counters["resends"], resends + len(FORGETS))
        self.assertEqual((counters["lost_oks"], counters["lost_lines"]), (0, 0))
        # It has done what it asked for, and does it again, as for OctoPrint alone.
        expected = print_file.for_the_printer(self.WALK)
        executed = [print_file.bare(line) for line in self.printer.executed()[mark:]]
        chatter = [line for line in executed if print_file.CHATTER.match(line)]
        work = [line for line in executed if line not in chatter]
        self.assertLessEqual(len(work), len(expected) + len(FORGETS) + 2)
        print_file.check_executed(once(work), once(expected), r"M400|M114|M220.*")

    def test_a_line_that_it_drops_costs_that_line_and_no_time(self):
        self.proxy.do("set", "light", "off")
        mark = self.printer.executed_count()
        asked = self.printer.asked()
        before = self.lost_oks()
        self.octoprint.print("walk.gcode")
        self.proxy.wait_for_point("light", "on")
        began = self.printer.executed_count()
        self.printer.debug("resend_ratio 10")
        wait_until("lines are dropped", lambda: self.lost_oks() >= before + 4)
        times = self.printer.executed_times()[began:]
        self.printer.debug("resend_ratio 0")
        self.octoprint.command(print_file.HURRY)
        self.octoprint.wait_for_end()
        lost = self.lost_oks() - before
        dropped = self.printer.asked() - asked
        pauses = [after - before for before, after in zip(times, times[1:])]
        self.assertLess(max(pauses), 4500)  # ms: after five seconds the proxy would have asked
        # What is left is in order and once. For each that it drops it asks for the next one; of the
        # ok behind that, if it takes long, nobody can tell that it is not the lost one.
        executed = self.printer.executed()[mark:]
        expected = [line for line in print_file.for_the_printer(self.WALK)
                    if line in executed or line not in self.STEPS]
        self.assertGreaterEqual(len(expected), len(print_file.for_the_printer(self.WALK)) - dropped)
        print_file.check_executed(executed, expected, r"M400|M114|M220.*")
        type(self).lost += lost

    def test_a_change_of_filament_ends_by_its_prompt(self):
        self.octoprint.command("M600")
        wait_until("OctoPrint shows the prompt",
                   lambda: self.octoprint.prompt() == ("Heater Timeout", ["Reheat"]))
        time.sleep(6)  # longer than an ok may be overdue: a question would be answered in between
        self.octoprint.choose(0)
        wait_until("the prompt is gone", lambda: self.octoprint.prompt() is None)
        self.assertTrue(self.octoprint.ask("M114")[-1].startswith("ok X:"))
        self.assertEqual(self.lost_oks(), self.lost)

    def test_a_file_is_printed_from_its_card(self):
        # Its lines 110 and 115 it writes without counting them, and asks for them for ever.
        data = b"".join(print_file.walk(13))
        name = self.octoprint.upload_to_card("from_its_card.gcode", data)
        self.assertEqual(stored_twice(self.printer.on_card("from_its_card.gcode"), print_file.commands(data)), 2)
        self.octoprint.print(name, "sdcard")
        self.octoprint.wait_for_received("Done printing file")
        self.octoprint.wait_for_state("Operational")
        self.assertEqual(self.lost_oks(), self.lost)

    def test_where_it_takes_no_line_any_more_the_heaters_are_switched_off(self):
        self.octoprint.print("walk.gcode")
        wait_until("it prints", lambda: self.octoprint.state() == "Printing")
        mark = self.printer.executed_count()
        self.printer.debug("rerequest_last")
        wait_until("the job is cancelled",
                   lambda: "M140 S0" in map(print_file.bare, self.printer.executed()[mark:]),
                   LONG)
        self.octoprint.wait_for_state("Operational")
        self.assertGreater(self.proxy.status()["counters"]["lost_lines"], 0)

    def test_its_own_words_for_a_halt_are_understood(self):
        self.octoprint.command("M112")
        # M112 alone makes it no halted one.
        wait_until("the printer is halted",
                   lambda: self.proxy.status()["printer"]["state"] == "halted")
        self.octoprint.wait_for_disconnect()
        self.octoprint.stop()
        self.proxy.stop()


if __name__ == "__main__":
    scenario.run(PrintsOnTheVirtualPrinter)
