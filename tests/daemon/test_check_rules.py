"""check-rules: every kind of step happens, every expectation can fail, and where it is told."""

import os
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("SIOPROXY_BUILD", "build")

RULES = r"""
example:
  points:
    light: {io: 12, type: output}
    door: {io: 0, type: input, active: low, debounce: 500ms}
rules:
  - {name: off, when: {printer: offline}, do: [notify: printer off]}
  - {name: on, when: {printer: online}, do: [notify: printer on]}
  - {name: reset, when: {printer: reset}, do: [notify: printer reset]}
  - {name: halted, when: {printer: halted}, do: [notify: printer halted]}
  - {name: came, when: {host: connected}, do: [set: {light: on}]}
  - {name: went, when: {host: disconnected}, do: [set: {light: off}]}
  - {name: lost, when: {board: lost}, do: [notify: board lost]}
  - {name: back, when: {board: online}, do: [notify: board on]}
  - {name: layer, when: {reply: 'Layer (?<l>\d+)'}, do: [say: 'at ${l}']}
  - {name: word, when: {gcode: ENC}, do: [say: turned]}
  - {name: warm, when: {temperature: {chamber: '>= 45C'}}, do: [notify: warm]}
  - name: cool
    when: {print: finished}
    do:
      - send: M106 S255
      - wait: {temperature: {tool0: '< 50C'}, timeout: 30min}
      - send: M107
tests:
"""


def check(steps, name="one", rules=RULES):
    """Exit status, and what is said behind FILE:, of one test with these lines of steps."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(rules + f"  - name: {name}\n    steps:\n")
        file.writelines(f"      - {step}\n" for step in steps)
        file.flush()
        done = subprocess.run([os.path.join(BUILD, "sioproxy"), "check-rules", file.name],
                              text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout.replace(file.name + ":", "")


class CheckRules(unittest.TestCase):
    def holds(self, *steps):
        self.assertEqual(check(steps), (0, " 1 tests, all hold\n"))

    def fails(self, step, sentence, *steps):
        status, said = check(steps)
        self.assertEqual(status, 1, said)
        self.assertIn(f"test one: step {step}: {sentence}", said)

    def test_a_printer_goes_comes_halts_and_resets(self):
        self.holds("printer: offline", "expect: {said: printer off}",
                   "printer: online", "expect: {said: printer on}",
                   "printer: halted", "expect: {said: printer halted, print: idle}",
                   "printer: reset", "expect: {said: printer reset}",
                   "gcode: M115", "expect: {sent: m115, said: [FIRMWARE, ok]}")

    def test_what_comes_first_was_away(self):
        self.holds("printer: online", "expect: {said: printer on}")
        self.holds("board: online", "expect: {said: board on, not: {said: board lost}}")
        self.holds("expect: {point: {light: on}}")
        self.holds("wait: 1s", "expect: {point: {light: off}}", "host: connected",
                   "expect: {point: {light: on}}", "host: disconnected",
                   "expect: {point: {light: off}}")

    def test_a_board_is_lost_and_found(self):
        self.holds("board: lost", "expect: {said: board lost, point: {light: unknown}}",
                   "board: online", "expect: {said: board on, not: {point: {light: unknown}}}")

    def test_lines_and_inputs(self):
        self.holds("reply: 'Layer 3'", "expect: {said: at 3}",
                   "gcode: ENC", "expect: {said: turned, not: {said: ok}}",
                   "point: {door: on}", "expect: {point: {door: on}}",
                   "gcode: M42 Plight S0", "expect: {point: {light: off}, not: {sent: M42}}")

    def test_a_job_in_all_its_states(self):
        self.holds("print: started", "expect: {print: printing}",
                   "gcode: M42 Plight S1", "expect: {point: {light: on}, said: ok}",
                   "print: paused", "expect: {print: paused}",
                   "print: resumed", "expect: {print: printing}",
                   "print: cancelled", "expect: {print: cancelled}",
                   "print: started", "print: paused", "print: failed",
                   "expect: {print: failed}",
                   "print: started", "print: finished", "expect: {print: finished}")

    def test_a_temperature_stays_as_it_is_set(self):
        self.holds("temperature: {tool0: 210C, bed: 60C, chamber: 30C}", "print: started",
                   "print: finished", "expect: {sent: M106 S255}", "wait: 20min",
                   "expect: {not: {sent: M107}}",
                   "temperature: {tool0: 49C}", "expect: {sent: M107}",
                   "temperature: {chamber: 45C}", "expect: {said: warm}")

    def test_what_was_heard_counts_until_something_else_happens(self):
        self.holds("gcode: ENC", "wait: 1h", "expect: {said: turned}")
        self.fails(3, 'expected said "turned", got nothing',
                   "gcode: ENC", "point: {door: on}", "expect: {said: turned}")

    def test_every_expectation_can_fail(self):
        self.fails(1, "expected light off, got on", "expect: {point: {light: off}}")
        self.fails(1, "expected not light on, got on", "expect: {not: {point: {light: on}}}")
        self.fails(1, "expected print paused, got idle", "expect: {print: paused}")
        self.fails(2, 'expected sent "M106", got "M105"',
                   "gcode: M105", "expect: {sent: M106}")
        self.fails(2, 'expected not sent "M105", got it',
                   "gcode: M105", "expect: {not: {sent: M105}}")
        self.fails(2, 'expected said "foo", got "ok T:', "gcode: M105", "expect: {said: foo}")

    def test_what_cannot_happen_fails(self):
        self.fails(1, "expected a print that is paused, got one that is idle", "print: paused")
        self.fails(2, "expected a line of the host, got no host",
                   "host: disconnected", "gcode: M105")
        self.fails(2, "expected a line of the printer, got no printer",
                   "printer: offline", "reply: 'Layer 1'")

    def test_where_it_failed_is_told(self):
        status, said = check(["wait: 1s", "expect: {print: paused}"])
        line = RULES.count("\n") + 4
        self.assertEqual((status, said.split(" ")[0]), (1, f"{line}:25:"))

    def test_a_stream_that_is_held_goes_on_when_its_wait_ends(self):
        self.holds("gcode: M66 Pdoor L3", *[f"gcode: M117 {'x' * 900}"] * 150, "gcode: ENC",
                   "expect: {not: {said: turned}}", "point: {door: on}",
                   "expect: {said: [ok, turned]}")

    def test_a_program_is_not_run_but_was_started(self):
        rules = RULES.replace("example:\n", "example:\n  programs:\n    photo: {path: /none}\n"
                              "    other: {path: /none}\n", 1)
        rules = rules.replace("tests:\n", "  - {name: photo, when: {gcode: M799}, do: [{run: {program: photo}}, "
                              "{say: taken}]}\ntests:\n")
        steps = ["gcode: M799", "expect: {ran: photo, said: taken, not: {ran: other}}",
                 "gcode: M105", "expect: {not: {ran: photo}}"]
        self.assertEqual(check(steps, rules=rules)[0], 0, check(steps, rules=rules)[1])
        self.assertIn("expected ran other, got nothing",
                      check(["gcode: M799", "expect: {ran: other}"], rules=rules)[1])

    def test_a_sensor_of_the_board_is_as_warm_as_the_test_says(self):
        rules = ("example:\n  points:\n    fan: {io: 12, type: output}\n"
                 "    air: {io: 4, type: dht}\n    cold: {io: 5, type: dht}\nrules:\n"
                 "  - {name: on, when: {temperature: {air: '>= 40C'}}, do: [{set: {fan: on}}]}\n"
                 "  - {name: off, when: {temperature: {air: '< 35C'}}, do: [{set: {fan: off}}]}\n"
                 "  - {name: if, when: {gcode: M750}, if: {temperature: {cold: '< 10C'}}, "
                 "do: [{say: it is cold}]}\n"
                 "  - {name: wait, when: {gcode: M751}, "
                 "do: [{wait: {temperature: {air: '< 20C'}, timeout: 1h}}, {say: cool now}]}\n"
                 "  - {name: gone, when: {point: air, becomes: unknown}, do: [{say: air is gone}]}\n"
                 "tests:\n")
        steps = ["temperature: {air: 30C}", "expect: {point: {fan: off}}",
                 "temperature: {air: 41C}", "expect: {point: {fan: on}}",
                 "temperature: {air: 39.5C}", "expect: {point: {fan: on}}",
                 "temperature: {air: 34C}", "expect: {point: {fan: off}}",
                 "gcode: M750", "expect: {not: {said: cold}}",
                 "temperature: {cold: 5C}", "gcode: M750", "expect: {said: it is cold}",
                 "gcode: M43", "expect: {said: [point air 34C 45%, point cold 5C 45%]}",
                 "gcode: M751", "wait: 10s", "expect: {not: {said: cool now}}",
                 "temperature: {air: 19C}", "expect: {said: cool now}",
                 "board: lost", "expect: {said: air is gone}",
                 "gcode: M43", "expect: {said: point air unknown}"]
        status, said = check(steps, rules=rules)
        self.assertEqual(status, 0, said)
        self.assertEqual(check(["temperature: {air: 30C}", "expect: {point: {fan: on}}"],
                               rules=rules)[0], 1)

    def test_power_is_on_for_a_test_and_rules_switch_it(self):
        rules = RULES.replace("tests:", "  - {name: tells, when: {gcode: M799}, if: {psu: on}, "
                              "do: [report: psu, report: 'PS:']}\n"
                              "  - {name: off, when: {gcode: M798}, do: [power: off]}\n"
                              "  - {name: later, when: {point: door, becomes: on}, "
                              "do: [power: {off: true, after: 10s}]}\ntests:")
        rules = rules.replace("  points:", "  psu: {point: relay}\n"
                              "  points:\n    relay: {io: 13, type: output}", 1)
        for steps in (["expect: {psu: on}", "gcode: M799", "expect: {said: [psu on, 'PS:1']}"],
                      ["gcode: M798", "expect: {psu: off, point: {relay: off}}", "gcode: M799",
                       "expect: {not: {said: psu on}}", "gcode: M80", "wait: 5s",
                       "expect: {psu: on}", "gcode: M81", "wait: 1s", "expect: {psu: off}"],
                      ["point: {door: on}", "wait: 9s", "expect: {psu: on}", "wait: 2s",
                       "expect: {psu: off}"],
                      ["print: started", "point: {door: on}", "wait: 20s",
                       "expect: {psu: on, said: a print runs}", "gcode: M798",
                       "expect: {psu: on}", "print: finished", "wait: 5s", "expect: {psu: off}"]):
            self.assertEqual(check(steps, rules=rules)[0], 0, check(steps, rules=rules)[1])

    def test_a_mistake_is_told_and_nothing_runs(self):
        status, said = check(["wait: 20"])
        self.assertEqual(status, 2)
        self.assertIn("error: ", said)
        status, said = check(["wait: 1s"], rules=RULES.replace("points:", "filament: {point: x}\n"
                                                               "  points:", 1))
        self.assertEqual(status, 2)
        self.assertIn("example.filament.point: no point 'x'", said)


if __name__ == "__main__":
    unittest.main()
