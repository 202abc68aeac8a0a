"""`sioproxy simulate`: the timeline of a print file, its totals and warnings, and its exit status."""

import os
import re
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("SIOPROXY_BUILD", os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "build"))

CONFIG = """\
printer: {port: /dev/nothing}
board: {port: /dev/nothing-else}
points:
  light: {io: 3, type: output}
  lamp:  {io: 17, type: output, start: on}
  door:  {io: 12, type: input, debounce: 100ms}
rules: ['%s']
"""


class Simulate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sio")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def run_words(self, *words):
        return subprocess.run([os.path.join(BUILD, "sioproxy"), "simulate", *words], text=True,
                              capture_output=True, timeout=60, check=False)

    def simulate(self, gcode, rules=None, status=0):
        """Lines of stdout of a print by CONFIG with rules, or by the demo."""
        words = [self.write("a.gcode", gcode)]
        if rules is not None:
            words += ["-c", self.write("t.yaml", CONFIG % self.write("r.yaml", rules))]
        result = self.run_words(*words)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        self.assertRegex(result.stderr, r"simulated \d+ lines in \d+\.\d\d s: \d+ lines/s\n$")
        return result.stdout.splitlines()

    def entries(self, lines):
        """(time in s, layer, line, what) of the timeline."""
        found = []
        for line in lines:
            match = re.match(r" *(\d+):(\d\d):(\d\d\.\d\d) +(-|\d+) +(\d+)  (.*)$", line)
            if match:
                hours, minutes, seconds, layer, number, what = match.groups()
                found.append((3600 * int(hours) + 60 * int(minutes) + float(seconds), layer,
                              int(number), what))
        return found

    def test_outputs_switch_at_their_line_and_layer_when_the_printer_is_there(self):
        lines = self.simulate(";LAYER_CHANGE\nG28\nG1 X100 F600\nM42 Plight S1\nM62 Plight\n"
                              ";LAYER_CHANGE\n;LAYER:7\nM63 Plight\nM42 Plight S1\nM42 Plight S0\n")
        entries = [entry for entry in self.entries(lines) if "light" in entry[3]]
        self.assertEqual([entry[1:] for entry in entries],
                         [("1", 4, "light on: M42 Plight S1"), ("2", 8, "light off: M63 Plight"),
                          ("2", 9, "light on: M42 Plight S1"), ("2", 10, "light off: M42 Plight S0")])
        self.assertLess(entries[0][0], 6)     # M42 overtakes the move that is planned
        self.assertGreater(entries[1][0], 14)  # M62 and M63 wait for it: 100 mm at 10 mm/s
        self.assertIn("light: switched 4 times, on for 0:00:10.0", "\n".join(lines))
        self.assertNotIn("warning", "\n".join(lines))

    def test_what_looks_wrong_is_told(self):
        text = "\n".join(self.simulate("M42 Plight S1\nM750 S1\nM42 Plihgt S1\nM750\nG28\n"))
        self.assertIn("warning: light is left on at the end\n", text)
        self.assertIn("warning: M750: nobody takes it: no rule, and the printer does not know it "
                      "(2 times, first at line 2)\n", text)
        self.assertIn("warning: M42 Plihgt: there is no such point, so the printer gets it "
                      "(1 time, first at line 3)", text)

    def test_what_was_on_before_is_not_left_on(self):
        lines = self.simulate("G28\n", rules="rules: []\n")
        self.assertIn("lamp: switched 0 times, on for 0:00:05.00 of the print, on at the end", lines)
        self.assertNotIn("warning", "\n".join(lines))

    def test_waits_end(self):
        lines = self.simulate("M226 Plight S1\nM226 Pdoor S1\nM226 Pdoor S0\nM226 Pdoor S-1\n"
                              "M66 Pdoor L4 Q20\nM0\nM600\nM400\n")
        whats = [what for _, _, _, what in self.entries(lines)]
        self.assertEqual(sum("is moved to" in what for what in whats), 3)
        self.assertEqual(sum("the user answers" in what for what in whats), 3)
        self.assertIn("warning: timeout: point door low after 20s", "\n".join(whats))

    def test_rules_go_on_after_the_file(self):
        lines = self.simulate("G28\nM700\n", rules=(
            "rules:\n  - when: {gcode: M700}\n    do: [{set: {light: on}}]\n"
            "  - name: off later\n    when: {print: finished}\n"
            "    do: [{wait: 10min}, {set: {light: off}}]\n"))
        last = [entry for entry in self.entries(lines) if entry[3].startswith("light")][-1]
        self.assertEqual(last[3], "light off: off later")
        self.assertGreater(last[0], 600)
        self.assertNotIn("warning", "\n".join(lines))

    def test_a_print_that_does_not_end_is_status_1(self):
        lines = self.simulate("G28\nM112\nG1 X1\n", status=1)
        self.assertIn("the print did not come to its end", lines[-1])

    def test_usage(self):
        gcode = self.write("a.gcode", "G28\n")
        bad = self.write("bad.yaml", "printer: {prot: x}\n")
        for words, said in (((), "wants one file"), ((gcode, gcode), "wants one file"),
                            (("/nowhere/x.gcode",), "/nowhere/x.gcode: No such file"),
                            ((self.write("empty", ""),), "empty"), ((self.folder,), "no file"),
                            ((gcode, "-c", bad), "bad.yaml:1:11: error:"),
                            ((gcode, "-n", "a/b"), "no config of that name")):
            result = self.run_words(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(said, result.stderr)

    def test_no_print_file_is_too_strange(self):
        for text in ("\n\n\n", ";\n", "\0\0\0\n", "G1" + " X1" * 1000 + "\n", "M117 \xff\xfe\n",
                     "no gcode at all", "G1 X1\r\nG1 X2\r\n", "N1 G28*18\n", "M110 N100\nG28\n"):
            with self.subTest(text=text[:20]):
                self.simulate(text)


if __name__ == "__main__":
    unittest.main()
