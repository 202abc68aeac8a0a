#!/usr/bin/env python3
"""The man pages name every command, option and key that the programs know, and no others."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SIOPROXY_BUILD", os.path.join(ROOT, "build"))
PAGES = {name: os.path.join(ROOT, "proxy", folder, name + ".1")
         for name, folder in (("sioproxy", "daemon"), ("sioctl", "ctl"))}
# The options `-h` and `--help`, and what stands before them.
OPTION = r"(?<![\w-])(-[a-zA-Z]|--[a-z]+)\b"


def run(name, *words):
    """Exit status and all output."""
    done = subprocess.run([os.path.join(BUILD, name), *words], text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def section(page, title):
    return re.search(rf"^\.Sh {title}\n(.*?)(?=^\.Sh |\Z)", page, re.S | re.M)[1]


def options_of_page(page):
    found = set()
    for line in re.findall(r"^\.It (Fl .*)$", section(page, "DESCRIPTION"), re.M):
        for word in re.findall(r"Fl (-?[\w]+)", line):
            found.add("-" + word)
        for word in re.findall(r", Fl (-?\w+)", line):
            found.add("-" + word)
    return found


def keys_of_page(page):
    """`host.port`, `points.io`: every key, those of a point under points."""
    keys, inside = set(), False
    for line in section(page, "CONFIG").splitlines():
        item = re.match(r"\.It Cm (.*)$", line)
        if item is None:
            inside = inside and line != ".El"
        elif item[1].startswith("points "):
            inside = True
        else:
            keys.update(("points." if inside else "") + key for key in item[1].split(" , "))
    return keys


def keys_of_program():
    """The same from the tables of the readers: {"key", read_key}."""
    settings = read(os.path.join(ROOT, "proxy", "load", "settings_file.c"))
    keys = set()
    for name, table in re.findall(r"static void read_(\w+)\([^;]*?\n    static const struct field "
                                  r"keys\[\] = \{(.*?)\n    \};", settings, re.S):
        keys.update(f"{name}.{key}" for key in re.findall(r'\{"(\w+)", read_', table))
    root = re.search(r"root_keys\[\] = \{(.*?)\n\};", settings, re.S)[1]
    keys.update(key for key in re.findall(r'\{"(\w+)", read_', root)
                if key not in ("host", "printer", "board", "points", "control"))
    points = read(os.path.join(ROOT, "proxy", "load", "points_file.c"))
    keys.update("points." + key for key in re.findall(r'\{"(\w+)", read_', points))
    return keys


class ManPages(unittest.TestCase):
    def test_options_are_those_of_the_help(self):
        for name, path in PAGES.items():
            status, text = run(name, "--help")
            self.assertEqual(status, 0)
            self.assertEqual(options_of_page(read(path)), set(re.findall(OPTION, text)), name)

    def test_commands_of_sioctl_are_those_of_the_help(self):
        helped = set(re.findall(r"^  ([a-z]+) ", run("sioctl", "--help")[1], re.M))
        described = set(re.findall(r"^\.It Cm ([a-z]+)", section(read(PAGES["sioctl"]),
                                                               "DESCRIPTION"), re.M))
        self.assertGreater(len(helped), 10)
        self.assertEqual(described, helped)

    def test_commands_of_sioproxy_are_those_of_the_help(self):
        helped = set(re.findall(r"sioproxy ([a-z]+) ", run("sioproxy", "--help")[1]))
        described = set(re.findall(r"^\.It Cm ([a-z]+)", section(read(PAGES["sioproxy"]),
                                                               "DESCRIPTION"), re.M))
        self.assertEqual(described, helped)

    def test_keys_of_the_config_are_those_of_the_program(self):
        known = keys_of_program()
        self.assertGreater(len(known), 25)
        self.assertEqual(keys_of_page(read(PAGES["sioproxy"])), known)

    def test_the_config_in_the_example_is_one(self):
        example = re.search(r"^\.Bd .*?\n(.*?)^\.Ed", section(read(PAGES["sioproxy"]), "EXAMPLES"),
                            re.S | re.M)[1]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "example.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(example)
            self.assertEqual(run("sioproxy", "check", path),
                             (0, f"{path}: ok, 2 points, 0 rules\n"))

    def test_the_events_in_the_example_are_such(self):
        events = re.search(r"^\.Bd .*?\n(.*?)^\.Ed", section(read(PAGES["sioproxy"]), "EVENTS"),
                           re.S | re.M)[1]
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a.gcode", "example.events")]
            for path, text in zip(paths, ("G28\n", events)):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            status, said = run("sioproxy", "simulate", paths[0], "--events", paths[1])
            self.assertEqual(status, 0, said)
            self.assertEqual(said.count("it did not come to that"), 2, said)

    @unittest.skipUnless(shutil.which("mandoc"), "there is no mandoc here")
    def test_mandoc_warns_of_nothing(self):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *PAGES.values()],
                              text=True, timeout=60, check=False, stdout=subprocess.PIPE)
        self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
