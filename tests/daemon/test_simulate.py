"""`sioproxy simulate`: the timeline of a print file, its totals and warnings, and its exit status."""

import fcntl
import json
import os
import re
import struct
import subprocess
import tempfile
import termios
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

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_words(self, *words):
        return subprocess.run([os.path.join(BUILD, "sioproxy"), "simulate", *words], text=True,
                              capture_output=True, timeout=60, check=False)

    def simulate(self, gcode, rules=None, status=0, events=None, more=()):
        """Lines of stdout of a print by CONFIG with rules, or by the demo."""
        words = [self.write("a.gcode", gcode), *more]
        if events is not None:
            words += ["--events", self.write("e.txt", events)]
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

    def test_a_command_to_octoprint_itself_is_not_sent(self):
        lines = self.simulate("G28\n  @pause\n@OBJECT part 1\nG1 X5\n", rules="rules: []\n")
        self.assertNotIn("@", "\n".join(lines))

    def test_a_line_of_any_length_is_told_and_the_print_goes_on(self):
        for line in ("M117 " + "x" * 9000, "x" * 9000, "\x01" * 70000):
            whats = [what for _, _, _, what in self.entries(self.simulate(
                "G28\n%s\nM42 Plight S1\n" % line, rules="rules: []\n"))]
            self.assertIn("warning: long: line of ", "\n".join(whats))
            self.assertIn("light on: M42 Plight S1", whats)

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

    def test_the_power_is_on_for_a_print_and_goes_with_its_m81(self):
        config = ("printer: {port: simulated}\nboard: {port: simulated}\npoints:\n"
                  "  relay: {io: 13, type: output, active: low, start: off}\n"
                  "  good: {io: 3, type: input}\npsu: {point: relay, sense: good%s}\n")
        gcode = self.write("a.gcode", "G28\nG1 X50 F3000\nM81\n")
        for auto_on, begin in (("", []), (", auto_on: print", ["relay on: auto_on", "good on: "
                                                              "board report", "psu on: auto_on"])):
            result = self.run_words(gcode, "-c", self.write("t.yaml", config % auto_on))
            self.assertEqual(result.returncode, 0, result.stdout)
            whats = [what for _, _, _, what in self.entries(result.stdout.splitlines())
                     if re.match("relay|good|psu", what)]
            self.assertCountEqual(whats, begin + ["psu: off when the print has ended",
                                                  "relay off: as asked for before",
                                                  "good off: board report", "psu off: board report"])

    def test_rules_go_on_after_the_file(self):
        lines = self.simulate("G28\nM700\n", rules=(
            "rules:\n  - when: {gcode: M700}\n    do: [{set: {light: on}}]\n"
            "  - name: off later\n    when: {print: finished}\n"
            "    do: [{wait: 10min}, {set: {light: off}}]\n"))
        last = [entry for entry in self.entries(lines) if entry[3].startswith("light")][-1]
        self.assertEqual(last[3], "light off: off later")
        self.assertGreater(last[0], 600)
        self.assertNotIn("warning", "\n".join(lines))

    def test_events_happen_at_their_line_layer_and_time(self):
        lines = self.simulate(
            "G28\n;LAYER:0\nM226 Pdoor S1\n;LAYER:1\nG1 X10 F600\nM226 Pdoor S0\nG1 X20\nM400\n",
            events="# the operator\n\nat line 3: door on  # opens it\nat 30s: door off\n"
                   "at layer 2: gcode M42 Plight S1\nat 0:01:10.5: gcode M42 Plight S0\n")
        entries = self.entries(lines)
        whats = [entry[3] for entry in entries]
        self.assertFalse([what for what in whats if "is moved to" in what], whats)
        events = [entry for entry in entries if entry[3].startswith("event: ")]
        self.assertEqual([entry[1:] for entry in events],
                         [("1", 3, "event: door on: %s:3" % self.path("e.txt")),
                          ("2", 5, "event: gcode M42 Plight S1: %s:5" % self.path("e.txt")),
                          ("2", 6, "event: door off: %s:4" % self.path("e.txt")),
                          ("2", 8, "event: gcode M42 Plight S0: %s:6" % self.path("e.txt"))])
        self.assertEqual([entry[0] for entry in events[2:]], [30.0, 70.5])
        switched = [entry for entry in entries if entry[3].startswith("light ")]
        self.assertEqual([entry[3] for entry in switched],
                         ["light on: M42 Plight S1", "light off: M42 Plight S0"])
        self.assertIn("door off: board report", whats)

    def test_all_that_can_happen_does(self):
        lines = self.simulate(
            "G28\n" + "G1 X10 F1500\nG1 X0\n" * 200,
            rules="rules:\n"
                  "  - {name: warm, when: {temperature: {bed: '>= 50C'}}, do: [{set: {light: on}}]}\n"
                  "  - {name: said, when: {reply: 'hello .*'}, do: [{set: {light: off}}]}\n",
            events="at 10s: bed 60C\nat 20s: reply hello world\nat 30s: board lost\n"
                   "at 40s: board online\nat 50s: print paused\nat 60s: print resumed\n"
                   "at 70s: point door on\nat 80s: printer offline\nat 82s: printer online\n"
                   "at 100s: print cancelled\nat 110s: host disconnected\nat 120s: host connected\n",
            status=1)
        whats = "\n".join(what for _, _, _, what in self.entries(lines))
        for what in ("light on: warm", "light off: said", "board lost", "board online",
                     "print paused", "print resumed", "door on", "printer offline",
                     "print cancelled"):
            self.assertIn("\n" + what, whats)
        self.assertEqual(lines[-1], "the print did not come to its end: it was cancelled")

    def test_sensors_of_the_board_are_as_warm_as_events_say(self):
        config = self.write("air.yaml", CONFIG.replace(
            "  door:", "  air: {io: 5, type: dht}\n  fan: {io: 6, type: pwm}\n  door:") % self.write(
                "r.yaml", "rules:\n  - {name: cool, when: {temperature: {air: '>= 40C'}}, "
                          "do: [{set: {fan: 40%}}]}\n  - {name: enough, when: {temperature: "
                          "{air: '< 30C'}}, do: [{set: {fan: off}}]}\n"))
        events = self.write("e.txt", "at 10s: air 50C\nat 30s: air 25C\n")
        result = self.run_words(self.write("a.gcode", "G28\n" + "G1 X10 F600\nG1 X0\n" * 30),
                                "-c", config, "--events", events)
        self.assertEqual(result.returncode, 0, result.stderr)
        fan = [entry for entry in self.entries(result.stdout.splitlines())
               if entry[3].startswith("fan")]
        self.assertEqual([entry[3] for entry in fan], ["fan on: cool", "fan off: enough"])
        self.assertTrue(10 < fan[0][0] < 14 and 30 < fan[1][0] < 34, fan)

    def test_an_emergency_stop_and_what_comes_after_it(self):
        config = self.write("stop.yaml", "printer: {port: /dev/nothing, baud: 115200}\n"
                            "board: {port: /dev/nothing-else}\n"
                            "points: {estop: {io: 0, type: input}}\nestop: {point: estop}\n")
        events = self.write("e.txt", "at line 2: estop on\nat 60s: estop off\nat 61s: gcode M105\n"
                            "at 62s: host connected\nat 90s: gcode M999\n")
        result = self.run_words(self.write("a.gcode", "G28\n" + "G1 X10 F600\nG1 X0\n" * 30),
                                "-c", config, "--events", events)
        self.assertEqual(result.returncode, 1, result.stderr)
        whats = [what for _, _, _, what in self.entries(result.stdout.splitlines())]
        told = [what for what in whats if what.startswith("estop ") or "event" in what]
        self.assertEqual([what.split(": ")[0] for what in told
                          if not what.startswith("event: ")],
                         ["estop on", "estop tripped", "estop latched", "estop off",
                          "the event did not happen", "estop armed"])
        self.assertIn("the event did not happen: the host is not connected", whats)

    def test_an_event_to_which_it_does_not_come_is_told(self):
        lines = self.simulate("G28\n", events="at line 7: door on\nat layer 1: door off\n")
        self.assertIn("warning: %s:1: at line 7: door on: it did not come to that" %
                      self.path("e.txt"), lines)
        self.assertIn("warning: %s:2: at layer 1: door off: it did not come to that" %
                      self.path("e.txt"), lines)

    def test_mistakes_in_events_are_told_all_in_one_run(self):
        gcode = self.write("a.gcode", "G28\n")
        events = self.write("e.txt", "at lin 4: door on\nat line 3: dor on\nat 50: bed 60\n")
        result = self.run_words(gcode, "--events", events)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, "(?m)^%s:1:4: error: expected line N.*did you mean line" %
                         events)
        self.assertRegex(result.stderr, "(?m)^%s:2:12: error: .*did you mean door" % events)
        self.assertRegex(result.stderr, "(?m)^%s:3:4: error: " % events)

    def test_a_paused_print_is_resumed(self):
        lines = self.simulate("G28\nM700\nG1 X10\n", rules=(
            "rules:\n  - when: {gcode: M700}\n    do: [pause]\n"))
        whats = [what for _, _, _, what in self.entries(lines)]
        self.assertIn("the user resumes the print: nothing else would", whats)
        self.assertTrue(any(what.startswith("print finished") for what in whats), whats)

    def test_a_wait_with_a_limit_can_time_out(self):
        lines = self.simulate("M66 Pdoor L3 Q20\nM66 Pdoor L3 Q20\nM66 Pdoor L3 Q30\n",
                              events="at 45s: door on\n")
        warnings = [line for line in lines if line.startswith("warning: M66")]
        self.assertEqual(warnings, [
            "warning: M66: point door high: the wait can time out, after 20s "
            "(2 times, first at line 1)",
            "warning: M66: point door high: the wait can time out, after 30s "
            "(1 time, first at line 3)"])

    def test_json_says_the_same(self):
        gcode = "G28\nM42 Plight S1\nM750\nM226 Pdoor S1\n"
        said = json.loads("\n".join(self.simulate(gcode, more=["--json"], events=(
            "at 10s: door on\nat line 99: gcode M117 \"\xe4\x01\\\n"))))
        self.assertEqual(said["file"], self.path("a.gcode"))
        self.assertEqual(list(said), ["file", "config", "timeline", "totals", "outputs",
                                      "warnings", "error"])
        light = [entry for entry in said["timeline"] if entry["name"] == "light"]
        self.assertEqual(light, [{
            "time_ms": light[0]["time_ms"], "layer": None, "line": 2, "what": "light on",
            "why": "M42 Plight S1", "event": "point", "name": "light", "state": "on"}])
        self.assertTrue(said["totals"]["finished"])
        self.assertEqual(said["totals"]["file_lines"], 4)
        self.assertEqual(said["outputs"]["light"]["switched"], 1)
        self.assertEqual(said["outputs"]["light"]["state"], "on")
        self.assertEqual(len(said["warnings"]), 3)
        self.assertIn("M117 \"\xe4\x01\\", said["warnings"][2])
        self.assertIsNone(said["error"])
        said = json.loads("\n".join(self.simulate("M112\n", more=["--json"], status=1)))
        self.assertFalse(said["totals"]["finished"])
        self.assertNotEqual(said["error"], "")

    def on_a_terminal(self, path, columns):
        """What a simulation tells on a terminal of that width meanwhile."""
        terminal, stderr = os.openpty()
        fcntl.ioctl(stderr, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen([os.path.join(BUILD, "sioproxy"), "simulate", path],
                                   stdout=subprocess.DEVNULL, stderr=stderr)
        os.close(stderr)
        said = b""
        while not re.search(rb"simulated .*\n", said):
            said += os.read(terminal, 65536)
        self.assertEqual(process.wait(60), 0)
        os.close(terminal)
        return said

    def test_how_far_it_is_is_a_bar_on_a_terminal(self):
        path = self.path("long.gcode")
        with open(path, "w", encoding="utf-8") as file:
            file.write("G1 X1\nG1 X0\n" * 250000)
        said = self.on_a_terminal(path, 80)
        self.assertRegex(said, rb"\rsimulate \[#*\.+\] +\d+ %  \d+ lines, \d+ lines/s\x1b\[K")
        self.assertRegex(said, rb"\r\x1b\[Ksimulated \d+ lines in ")
        for columns in (10, 40, 60):
            said = self.on_a_terminal(path, columns)
            bars = re.findall(rb"\r(simulate [^\x1b]*)\x1b\[K", said)
            self.assertGreater(len(bars), 0)
            self.assertLess(max(map(len, bars)), columns)

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
                            ((gcode, "-n", "a/b"), "-n wants a name"),
                            ((gcode, "--events", "/nowhere/e"), "/nowhere/e: No such file")):
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
