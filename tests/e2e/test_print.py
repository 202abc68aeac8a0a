#!/usr/bin/env python3
"""OctoPrint prints a sliced file through the proxy; its custom M-codes switch the board."""

import bisect
import os
import subprocess

import print_file
import scenario
from process import BUILD, LONG, PATIENCE, Background, Failure, wait_until

# The custom command has been carried out when the printer has executed the lines before it, but
# for those that a printer may hold without having executed them: its queue and what is in flight.
HELD_BY_PRINTER = 24


class PrintThroughTheProxy(scenario.Scenario):
    PRINTER_ON_PTY = True

    def tearDown(self):
        print_file.check_serial_log(self.octoprint.serial_lines())

    def shows_a_temperature(self):
        return self.octoprint.temperatures().get("tool0", {}).get("actual")

    def executed_since(self, mark):
        return self.printer.executed()[mark:]

    def move_door(self):
        """
        What the file needs somebody for: in layer 10 it waits until the door is opened, in layer
        13 for a second and in vain until it is closed, in layer 16 until it is closed.
        """
        self.proxy.wait_until_it_waits("door")
        self.proxy.do("sim", "door", "on")
        self.proxy.wait_for_point("door", "on")
        wait_until("M226 waits", self.waits_without_end, LONG)
        self.proxy.do("sim", "door", "off")

    def waits_without_end(self):
        waiting = self.proxy.status()["waiting"]
        return waiting and "door" in waiting["for"] and waiting["timeout_ms"] is None

    def test_octoprint_lists_the_port_and_connects(self):
        self.proxy.record(self.path("print.recording"))
        self.assertEqual(self.octoprint.ports(), [self.proxy.link])
        self.octoprint.connect()
        self.assertEqual(self.proxy.status()["host"]["state"], "connected")
        self.assertEqual(self.proxy.status()["printer"]["state"], "online")
        wait_until("OctoPrint shows a temperature", self.shows_a_temperature)

    def test_the_terminal_switches_a_light(self):
        # OctoPrint's browser part upper-cases what is typed, its API does not.
        for line, state in (("m42 plight s1", "on"), ("M42 PLIGHT S0", "off")):
            self.octoprint.command(line)
            self.proxy.wait_for_point("light", state)
            self.assertIn("echo:sioproxy point light " + state, self.octoprint.ask("M43 PLIGHT"))
        self.assertEqual([line for line in self.printer.executed()
                          if print_file.is_custom(print_file.bare(line))], [])

    def test_a_sliced_file_is_printed(self):
        data = print_file.content()
        expected = print_file.for_the_printer(data)
        self.assertGreater(len(expected), 5000)
        mark = self.printer.executed_count()
        received = len(self.octoprint.heard())
        watch = self.proxy.watch()
        somebody = Background("moving the door", self.move_door)
        self.octoprint.upload("post.gcode", data)
        self.octoprint.print("post.gcode")
        self.octoprint.wait_for_end()
        somebody.finish()
        watch.stop()

        # Every line once and in order. M400 is what the proxy asks before M62 and M63, and what
        # OctoPrint asks at the end.
        extras = print_file.check_executed(self.executed_since(mark), expected, r"M400")
        self.assertEqual(extras, [("M400", before) for before in
                                  print_file.waits_for_motion(data) + [len(expected)]])

        self.check_outputs(watch, data, mark)
        self.check_answers(self.octoprint.heard()[received:])

    def check_outputs(self, watch, data, mark):
        """The board's outputs changed as the file says, each at its line."""
        executed = zip(self.printer.executed_times()[mark:], self.executed_since(mark))
        times = [time for time, line in executed
                 if not print_file.CHATTER.match(print_file.bare(line))]
        outputs = [(event, bisect.bisect_right(times, moment)) for event, moment in
                   watch.of("point") if event["name"] != "door"]
        expected = print_file.changes_of_outputs(data)
        self.assertEqual([(event["name"], event["state"], event["cause"]) for event, _ in outputs],
                         [(name, state, command) for name, state, _, command in expected])
        for (_, executed), (name, state, before, _) in zip(outputs, expected):
            # M400 has been executed besides, for M62 and M63.
            self.assertIn(executed, range(before - HELD_BY_PRINTER, before + HELD_BY_PRINTER),
                          "%s went %s at a wrong line" % (name, state))

    def check_answers(self, received):
        """What the file's questions were answered, in order and before their ok."""
        answers = [line for line in received if line.startswith("echo:sioproxy")
                   and not line.startswith("echo:sioproxy waiting")]
        self.assertEqual(answers, [
            "echo:sioproxy point door on",             # layer 10, M66 L3
            "echo:sioproxy timeout: point door low after 1s",  # layer 13, M66 L4 Q1
            "echo:sioproxy point door on",             # and then how it is
            "echo:sioproxy point door off",            # layer 16, M226 S0
            "echo:sioproxy point door off",            # layer 19, M66 L0
            "echo:sioproxy point light on",            # layer 26, M43
        ])

    def test_a_print_is_paused_and_resumed(self):
        data = print_file.walking(30)
        self.octoprint.command("M42 Plight S0")
        self.proxy.wait_for_point("light", "off")
        mark = self.printer.executed_count()
        self.octoprint.upload("paused.gcode", data)
        self.octoprint.print("paused.gcode")
        self.proxy.wait_for_point("light", "on")
        self.octoprint.pause()
        self.octoprint.wait_for_state("Paused")
        # What is typed while paused is done at once.
        self.octoprint.command("m42 pshutter s1")
        self.proxy.wait_for_point("shutter", "on")
        self.octoprint.command("m42 pshutter s0")
        self.proxy.wait_for_point("shutter", "off")
        self.octoprint.command(print_file.HURRY)
        paused_at = self.printer.executed_count()
        self.octoprint.resume()
        self.octoprint.wait_for_end()
        extras = print_file.check_executed(self.executed_since(mark),
                                           print_file.for_the_printer(data),
                                           "M400|M114|" + print_file.HURRY)
        self.assertIn("M114", [command for command, _ in extras], "OctoPrint asks where it is")
        self.assertGreater(self.printer.executed_count(), paused_at)

    def test_a_print_is_cancelled_while_it_waits_for_a_point(self):
        data = print_file.cold(first_layers=12)
        expected = print_file.for_the_printer(data)
        self.proxy.wait_for_point("door", "off")
        mark = self.printer.executed_count()
        self.octoprint.upload("cancelled.gcode", data)
        self.octoprint.print("cancelled.gcode")
        self.proxy.wait_until_it_waits("door")
        self.octoprint.cancel()
        self.octoprint.wait_for_state("Operational")  # M66 itself would wait for 300 s
        self.assertIsNone(self.proxy.waiting_for())
        # The lines before the wait, perhaps the one or two that OctoPrint had let go already, and
        # what it sends when a print is cancelled.
        before = print_file.lines_before(data, "M66")
        rest = print_file.check_cancelled(self.executed_since(mark), expected, before, before + 2)
        self.assertEqual([command for command in rest if command != "M108"],
                         ["M84", "M104 T0 S0", "M140 S0", "M106 S0"])

    def test_the_print_is_replayed_identically(self):
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()
        result = subprocess.run(
            [os.path.join(BUILD, "sioproxy"), "replay", self.path("print.recording")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        if result.returncode != 0:
            raise Failure("replay: status %d\n%s" % (result.returncode, result.stdout[-3000:]))


if __name__ == "__main__":
    scenario.run(PrintThroughTheProxy)
