#!/usr/bin/env python3
"""
The reference of the rules language has an example for every word that the loader knows. That the
examples are what they say, a test of the loader tells (load_examples).
"""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import page  # noqa: E402
from process import BUILD, ROOT, read_text  # noqa: E402

LOADERS = ("rules_file", "when_file", "conditions_file", "steps_file", "steps_wait_file",
           "steps_machine_file", "tests_file")


def words(source):
    """The words in the tables of a source file: {"word", …} and {"one", "other", …, NULL}."""
    found = set(re.findall(r'\{"([a-z_]+)"', source))
    for table in re.findall(r'\{(?:\s*"[a-z_]+",)+\s*NULL\s*\}', source):
        found |= set(re.findall(r'"([a-z_]+)"', table))
    return found


class TheReference(unittest.TestCase):
    def test_every_word_has_an_example(self):
        known = set()
        for name in LOADERS:
            known |= words(read_text(os.path.join(ROOT, "proxy", "load", name + ".c")))
        self.assertGreaterEqual(known, {"gcode", "until", "queue", "pulse", "rise", "latched"})
        reference = read_text(os.path.join(ROOT, "rules", "README.md"))
        examples = "\n".join(block.text for block in page.blocks(reference)
                             if block.language == "yaml")
        self.assertEqual(known - set(re.findall(r"[a-z_]+", examples)), set())

    def test_the_tests_in_the_examples_hold(self):
        reference = read_text(os.path.join(ROOT, "rules", "README.md"))
        examples = [block for block in page.blocks(reference) if "\ntests:\n" in block.text]
        self.assertGreaterEqual(len(examples), 2)
        for block in examples:
            status, said = self.check(block.text + "\n")
            self.assertEqual(status, 0, f"line {block.line}: {said}")

    def check(self, text):
        """The status of check-rules for a file of this text, and what it says."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([os.path.join(BUILD, "sioproxy"), "check-rules", file.name],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  check=False, timeout=60)
        return done.returncode, done.stdout

    def test_every_rule_and_every_step_of_a_pack_is_missed_by_its_tests(self):
        count = 0
        for path in sorted(glob.glob(os.path.join(ROOT, "rules", "*.yaml"))):
            if path.endswith("mcodes.yaml"):
                continue
            text = read_text(path)
            begin, end = text.index("\nrules:\n"), text.index("\ntests:\n")
            rules = text[begin:end] + "\n"
            for pattern in (r"(?m)^  - name: .*\n(?:(?:    .*)?\n)*", r"(?m)^      - .*[^:\n]\n"):
                for part in re.finditer(pattern, rules):
                    left = rules[:part.start()] + rules[part.end():]
                    left = re.sub(r"    do:\n(?!      )", "    do: [say: nothing]\n", left)
                    if "- name:" not in left:
                        left = "\nrules: []\n"
                    with self.subTest(pack=os.path.basename(path), without=part[0]):
                        self.assertEqual(self.check(text[:begin] + left + text[end:])[0], 1)
                        count += 1
        self.assertGreaterEqual(count, 90)

    def test_every_pack_is_listed_and_has_its_page_and_its_tests(self):
        reference = read_text(os.path.join(ROOT, "rules", "README.md"))
        packs = [name for name in os.listdir(os.path.join(ROOT, "rules"))
                 if name.endswith(".yaml") and name != "mcodes.yaml"]
        self.assertEqual(len(packs), 11)
        for name in packs:
            text = read_text(os.path.join(ROOT, "rules", name))
            self.assertIn("](%s)" % name, reference)
            for title in ("What it does", "What it takes", "How to use it", "What to change",
                          "When it does not work"):
                self.assertRegex(text, r"(?m)^# " + title + "$", name)
            self.assertRegex(text, r"(?m)^tests:$", name)


if __name__ == "__main__":
    unittest.main()
