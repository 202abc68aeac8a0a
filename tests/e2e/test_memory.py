#!/usr/bin/env python3
"""OctoPrint prints through a proxy under valgrind, which finds neither errors nor leaks."""

import print_file
import scenario
from process import Background


class PrintUnderValgrind(scenario.Scenario):
    VALGRIND = True

    def open_door(self):
        self.proxy.wait_until_it_waits("door")
        self.proxy.do("sim", "door", "on")

    def test_a_print_leaves_no_errors_and_no_leaks(self):
        watch = self.proxy.watch()
        self.octoprint.connect()
        somebody = Background("opening the door", self.open_door)
        data = print_file.content(first_layers=12)
        self.octoprint.upload("post.gcode", data)
        self.octoprint.print("post.gcode")
        self.octoprint.wait_for_end()
        somebody.finish()
        watch.stop()
        self.assertEqual([(event["name"], event["state"]) for event, _ in watch.of("point")
                          if event["name"] != "door"],
                         [change[:2] for change in print_file.changes_of_outputs(data)])
        print_file.check_serial_log(self.octoprint.serial_lines())
        self.octoprint.disconnect()
        self.octoprint.stop()
        self.proxy.stop()  # valgrind turns any error or leak into an exit status
        with open(self.proxy.log, encoding="utf-8", errors="replace") as log:
            self.assertIn("ERROR SUMMARY: 0 errors", log.read())


if __name__ == "__main__":
    scenario.run(PrintUnderValgrind)
