#!/usr/bin/env python3
"""The checks of the end-to-end tests find what they are there to find."""

import unittest

import print_file
from process import Failure

FILE = b"""; a file
G28 ; home
M42 Plight S1
G1 X1 E.1

M62 Pfan
G1 X2 E.1
M42 P4 S1
M42 Plight S1
M63 Pfan
"""
EXPECTED = ["G28", "G1 X1 E.1", "G1 X2 E.1", "M42 P4 S1"]


class PrintFile(unittest.TestCase):
    def test_only_what_names_a_point_of_ours_is_not_for_the_printer(self):
        self.assertEqual(print_file.for_the_printer(FILE), EXPECTED)

    def test_outputs_change_where_the_file_says(self):
        self.assertEqual(print_file.changes_of_outputs(FILE),
                         [("light", "on", 1, "M42 Plight S1"), ("fan", "on", 2, "M62 Pfan"),
                          ("fan", "off", 4, "M63 Pfan")])
        self.assertEqual(print_file.waits_for_motion(FILE), [2, 4])

    def test_numbers_checksums_and_polls_are_no_difference(self):
        executed = ["N1 G28*18", "M105", "G1 X1 E.1", "M400", "G1 X2 E.1", "M42 P4 S1"]
        self.assertEqual(print_file.check_executed(executed, EXPECTED, "M400"), [("M400", 2)])

    def test_a_missing_doubled_swapped_or_foreign_line_is_found(self):
        a, b, c, d = EXPECTED
        for executed in ([a, c, d], [a, b, c], [a, b, b, c, d], [a, c, b, d],
                         [a, b, "M42 Plight S1", c, d], [a, b, "M400", c, d]):
            with self.assertRaises(Failure, msg=str(executed)):
                print_file.check_executed(executed, EXPECTED)

    def test_trouble_in_the_serial_log_is_found(self):
        print_file.check_serial_log([("Send", "M105"), ("Recv", "ok T:20.0 /0.0"),
                                     ("Recv", "echo:sioproxy timeout: point door off after 1s"),
                                     (None, 'Changing monitoring state from "A" to "B"')])
        for line in (("Recv", "Error:checksum mismatch"), ("Recv", "Resend: 3"), ("Recv", "rs 3"),
                     ("Recv", 'echo:Unknown command: "M62"'), ("Recv", "!! halted"),
                     (None, "Communication timeout while printing, trying to trigger response")):
            with self.assertRaises(Failure, msg=str(line)):
                print_file.check_serial_log([line])

    def test_the_committed_file_is_what_it_should_be(self):
        data = print_file.content()
        self.assertGreater(len(print_file.for_the_printer(data)), 5000)
        for code in ("M42", "M43", "M62", "M63", "M64", "M65", "M66", "M226"):
            self.assertTrue(print_file.lines_before(data, code) > 100, code)
        self.assertLess(len(print_file.content(first_layers=8)), len(data) / 4)

    def test_a_walk_takes_its_time_behind_the_light_and_ends_as_the_file_does(self):
        lines = print_file.commands(print_file.walking(5))
        steps = [i for i, line in enumerate(lines) if line.endswith("F6.0")]
        self.assertEqual(len(steps) * print_file.STEP_SECONDS, 5)
        self.assertEqual(lines.count("M42 Plight S1"), 1)
        light, dark = lines.index("M42 Plight S1"), lines.index("M42 Plight S0")
        ahead = len([i for i in steps if i < light])
        self.assertTrue(15 < ahead < len(steps) / 2 and steps[-1] < dark)
        self.assertEqual(lines[-1], print_file.commands(print_file.content())[-1])
        self.assertFalse({"G28", "M109 S45"} & set(lines))


if __name__ == "__main__":
    unittest.main()
