#!/usr/bin/env python3
"""
The README, and the other pages that bear commands, tried from top to bottom by somebody who has no
hardware: what stands behind `$ ` is typed and what stands under it is what comes, `Send:` is typed
into the host's terminal and `Recv:` is what it shows, and a block that begins with the name of a
file is that file.

The proxy beside it is the one that scripts/run starts. /etc/sioproxy is a folder of the test.
"""

import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "daemon"), os.path.join(HERE, "..", "e2e")]
import page  # noqa: E402
from machine import Host  # noqa: E402
from process import BUILD, PATIENCE, ROOT, Failure, Program, read_text, wait_until  # noqa: E402


def demo_config(folder):
    """What scripts/run writes for a start without a config."""
    found = re.search(r"<<END\n(name: demo\n.*?)^END$",
                      read_text(os.path.join(ROOT, "scripts", "run")), re.S | re.M)
    if not found:
        raise Failure("scripts/run: where is its config?")
    return found[1].replace("$demo", folder)


class Reader:
    """Does what a page says, in a folder that looks like the repository's after a build."""

    def __init__(self, folder, name="README.md"):
        self.folder = folder
        self.name = name
        self.etc = os.path.join(folder, "etc")
        self.demo = os.path.join(folder, "build", "demo")
        self.aliases = ""
        self.host = None
        self.sent = 0  # lines of the host
        self.program = None
        os.makedirs(self.demo)
        for name in ("sioproxy", "sioctl"):
            os.symlink(os.path.join(BUILD, name), os.path.join(folder, "build", name))

    def start_demo(self):
        config, log = os.path.join(self.demo, "demo.yaml"), os.path.join(self.demo, "log")
        with open(config, "w", encoding="utf-8") as file:
            file.write(demo_config(self.demo))
        self.program = Program("sioproxy", [os.path.join(BUILD, "sioproxy"), "-c", config], log)
        for text in ("ready: OctoPrint can connect to", "point door off", "board online"):
            wait_until(f"`{text}` in the log:\n{read_text(log)}", lambda: text in read_text(log),
                       PATIENCE, 0.02, [self.program])

    def end(self):
        if self.host is not None:
            self.host.close()
        if self.program is not None:
            self.program.kill()

    def here(self, text):
        return text.replace("/etc/sioproxy", self.etc)

    def type(self, command):
        """A command in a shell; its output's lines."""
        if command.words.startswith("alias "):
            self.aliases += command.words + "\n"
        path = os.path.join(self.folder, "build") + ":" + os.environ["PATH"]
        done = subprocess.run(["sh", "-c", self.aliases + self.here(command.words)], text=True,
                              cwd=self.folder, env={**os.environ, "PATH": path}, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE)
        output = done.stdout.splitlines()
        if not page.is_output([self.here(line) for line in command.expected], output):
            raise Failure(f"{self.name}:{command.line}: $ {command.words}\nthe page says:\n" +
                          "\n".join(command.expected) + "\nit is:\n" + "\n".join(output))

    def terminal(self, block):
        """A conversation in the host's terminal; what only keeps the host alive is not shown."""
        if self.host is None:
            self.host = Host(os.path.join(self.demo, "printer"))
        for number, line in block.lines():
            if line.startswith("Send: "):
                self.host.write(line[6:].encode() + b"\n")
                self.sent += 1
                continue
            heard = "echo:busy: "
            while heard.startswith("echo:busy: "):
                heard = self.host.wait_for(b"\n", PATIENCE).decode().rstrip("\r\n")
            if not page.is_line(line, "Recv: " + heard):
                raise Failure(f"{self.name}:{number}: the page says {line}, it is {heard}")
        wait_until("all is read that was sent", lambda: self.read_by_the_proxy() >= self.sent,
                   PATIENCE, 0.02, [self.program])

    def read_by_the_proxy(self):
        """How many lines of the host it has counted."""
        done = subprocess.run([os.path.join(BUILD, "sioctl"), "--json", "--socket",
                               os.path.join(self.demo, "control"), "status"], check=True,
                              stdout=subprocess.PIPE, timeout=PATIENCE)
        return json.loads(done.stdout)["counters"]["host_lines"]

    def save(self, block):
        """A block that says which file it is. False if it does not."""
        name = re.match(r"# (/etc/sioproxy/\S+)\n", block.text)
        if not name:
            return False
        path = self.here(name[1])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.here(block.text) + "\n")
        return True

    def read(self, block):
        """Does what a block says. True if there was something to do."""
        if block.language == "console":
            for command in page.commands(block):
                self.type(command)
        elif block.language == "text" and re.match("Send: |Recv: ", block.text):
            self.terminal(block)
        elif block.language == "yaml":
            return self.save(block)
        else:
            return False
        return True


class ThePages(unittest.TestCase):
    def setUp(self):
        self.blocks = page.blocks(read_text(os.path.join(ROOT, "README.md")))
        # A short name: the path of a socket has 107 bytes.
        scratch = tempfile.TemporaryDirectory(prefix="sio", dir="/tmp")
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def test_what_it_says_is_what_happens(self):
        reader = Reader(self.folder)
        self.addCleanup(reader.end)
        reader.start_demo()
        done = [block.language for block in self.blocks if reader.read(block)]
        for language, least in (("console", 6), ("text", 3), ("yaml", 3)):
            self.assertGreaterEqual(done.count(language), least, language)
        self.assertEqual(reader.program.stop(), 0)

    def test_what_the_page_for_users_of_sio_control_says_is_what_happens(self):
        name = os.path.join("rules", "FROM_SIO_CONTROL.md")
        reader = Reader(self.folder, name)
        done = [block.language for block in page.blocks(read_text(os.path.join(ROOT, name)))
                if reader.read(block)]
        self.assertEqual(done, ["yaml", "console"])

    def test_the_page_for_users_of_sio_control_has_every_setting_of_it(self):
        # get_settings_defaults and clean_Settings of the plugin's __init__.py, and its API
        settings = ["sio_configurations", "IOSI", "IOPort", "IOBaudRate", "IOBaudRates", "IOPorts",
                    "IOCounts", "IOStatusMessage", "IOSWarnings"]
        settings += [form % name for name in ("PSU", "EST", "FRS") for form in
                     ("%sIOPoint", "Enable%sIOPoint", "Invert%sIOPoint")]
        settings += ["icon", "name", "pin", "active_mode", "default_state", "on_nav", "on_side",
                     "inmin", "inmax", "outmin", "outmax", "offset"]
        requests = ["turnSioOn", "turnSioOff", "toggelSio", "getSioState", "getPorts",
                    "getIOCounts", "getStatusMessage", "connectIO", "getReportedCompatibleVersion"]
        text = read_text(os.path.join(ROOT, "rules", "FROM_SIO_CONTROL.md"))
        rows = [line for line in text.splitlines() if line.startswith("| ")]
        for name in settings + requests:
            row = [line for line in rows if f"`{name}`" in "|".join(line.split("|")[:3])]
            self.assertEqual(len(row), 5 if name == "active_mode" else 1, name)
            self.assertGreater(len(row[0].split("|")[-2].strip()), 3, name)

    def test_the_scripts_that_it_names_are_there(self):
        text = read_text(os.path.join(ROOT, "README.md"))
        names = set(re.findall(r"\bscripts/[a-z]+\b", text))
        self.assertGreaterEqual(names, {"scripts/run", "scripts/test", "scripts/build"})
        for name in names:
            self.assertTrue(os.access(os.path.join(ROOT, name), os.X_OK), name)

    def test_what_the_pages_link_to_is_there(self):
        count = 0
        for name in [os.path.join(ROOT, "README.md"), *glob.glob(os.path.join(ROOT, "*", "*.md"))]:
            for path, anchor in page.links(read_text(name)):
                count += 1
                target = os.path.join(os.path.dirname(name), path) if path else name
                self.assertTrue(os.path.exists(target), f"{name}: {path}")
                if anchor:
                    self.assertIn(anchor, page.anchors(read_text(target)), f"{name}: {path}")
        self.assertGreaterEqual(count, 10)

    def test_installing_puts_programs_man_pages_and_the_unit_in_their_places(self):
        subprocess.run(["cmake", "--install", BUILD, "--prefix", self.folder], check=True,
                       stdout=subprocess.DEVNULL, timeout=PATIENCE)
        for name in ("bin/sioproxy", "bin/sioctl", "share/man/man1/sioproxy.1",
                     "share/man/man1/sioctl.1", "lib/systemd/system/sioproxy@.service"):
            self.assertTrue(os.path.exists(os.path.join(self.folder, name)), name)


class AMistakeOnThePage(unittest.TestCase):
    def test_is_seen(self):
        self.assertTrue(page.is_output(["a", "…", "d…f"], ["a", "b", "c", "d e f"]))
        self.assertTrue(page.is_output(["…"], []))
        self.assertFalse(page.is_output(["a", "…", "d…f"], ["a", "b", "c", "d e g"]))
        self.assertFalse(page.is_output(["a"], ["a", "b"]))
        self.assertFalse(page.is_output([], ["a"]))
        self.assertFalse(page.is_output(["a.c"], ["abc"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
