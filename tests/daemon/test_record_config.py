"""`record:` in the config, the last inputs in the log, and what replay shows of a recording."""

import glob
import os
import re
import resource
import subprocess
import unittest

from machine import BUILD, PATIENCE, MachineTest, read_text, wait_until
from recording_chunks import MAGIC, recording_of


def said(port, log):
    """All that came there by the last inputs in a log, however the clock has cut it in pieces."""
    return "".join(re.findall(r'(?m)^ +-\d+\.\d{3} s  ' + port + r' +> "(.*)"…?$', log))


class RecordConfig(MachineTest):
    def replay(self, *words):
        return subprocess.run([os.path.join(BUILD, "sioproxy"), "replay", *words],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def recordings(self):
        return sorted(glob.glob(self.path("rec/test-*.rec")))

    def recorded(self):
        """The recording of a short life of a daemon."""
        daemon = self.daemon(board="simulated", extra="record: {dir: rec, size: 10MB}\n")
        daemon.wait_for("board", "online")
        host = self.host(daemon, parity_first=True)
        host.ask(b"M115")
        host.ask(b"M42 Plight S1")
        self.assertEqual(daemon.run_sioctl("set", "light", "off")[0], 0)
        host.close()
        daemon.wait_for("host", "disconnected")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(len(self.recordings()), 1)
        return self.recordings()[0]

    def test_a_whole_life_is_recorded_and_replayed(self):
        result = self.replay(self.recorded())
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"^replay: \d+ inputs, .* identical\n$")

    def test_the_timeline_is_readable_and_can_be_left_early(self):
        path = self.recorded()
        result = self.replay("--timeline", path)
        self.assertEqual(result.returncode, 0, result.stderr)
        for line in (r"host    - opened \d+", r'host    > "M115"', r'printer < "M115"',
                     r'printer > "FIRMWARE_NAME:', r'host    < "ok"', r"printer ! open",
                     r"        \* point light on: M42 Plight S1", r"asked   - set light 0",
                     r"asked   - exit", r"        \* host disconnected"):
            self.assertRegex(result.stdout, r"(?m)^ +\d+\.\d{6}  " + line)
        early = self.replay("--timeline", "--until", "1ms", path)
        self.assertEqual(early.returncode, 0, early.stderr)
        self.assertIn("identical up to there\n", early.stdout)
        self.assertNotIn("M115", early.stdout)
        shown = result.stdout.splitlines()[:-1]
        self.assertEqual(early.stdout.splitlines()[:-1], shown[:len(early.stdout.splitlines()) - 1])
        for words in (("--until", "90", path), ("--until", "soon", path), ("--timeline",)):
            self.assertEqual(self.replay(*words).returncode, 2, words)

    def test_what_behind_good_inputs_is_damaged_is_told_with_its_place(self):
        path = self.recorded()
        with open(path, "ab") as file:
            file.write(bytes(100))
        self.assertEqual(self.replay(path).returncode, 0) # behind the end: nobody's
        with open(path, "rb") as file:
            whole = file.read()
        end = len(whole) - 109
        for tail in (bytes(100), b"I\x03\0\0\0abc", b"Q\0\0\0\0", bytes(8),
                     recording_of([(ord("I"), b"abc")])[len(MAGIC):],
                     recording_of([(ord("Q"), b"")])[len(MAGIC):]):
            with open(path, "wb") as file:
                file.write(whole[:end] + tail)
            result = self.replay(path)
            self.assertEqual(result.returncode, 1, tail)
            self.assertIn("identical as far as it is whole", result.stdout)
            self.assertRegex(result.stderr, "it is (torn or )?damaged after byte %d of %d" %
                             (end, end + len(tail)))

    def test_each_start_has_its_file_and_a_reload_changes_nothing_of_it(self):
        first = self.recorded()
        daemon = self.daemon(board="simulated", extra="record: {dir: rec, size: 10MB}\n")
        self.assertEqual(daemon.run_sioctl("reload")[0], 0)
        daemon.write_config(board="simulated", extra="record: {dir: other}\n")
        code, _, err = daemon.run_sioctl("reload")
        self.assertEqual(code, 1)
        self.assertIn("record has changed: needs a restart", err)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.recordings()[0], first)
        self.assertEqual(len(self.recordings()), 2)
        self.assertIn("-000001-", self.recordings()[1])
        self.assertEqual(self.replay(self.recordings()[1]).returncode, 0)

    def test_a_full_disk_is_told_once_and_the_print_goes_on(self):
        printer = self.pty_printer()

        # What is written beyond this is refused as a full disk refuses it.
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200000, limit[1]))
        try:
            daemon = self.daemon(printer=printer.link, extra="record: {dir: rec, size: 10MB}\n")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        host = self.host(daemon)
        line = b"M117 " + b"x" * 900
        for _ in range(300):
            host.ask(line)
        wait_until("it is told", lambda: daemon.logged("File too large") > 0, PATIENCE, 0.01)
        for _ in range(100):
            host.ask(line)
        self.assertEqual(daemon.logged("File too large"), 1)
        self.assertEqual(daemon.stop(), 0)
        result = self.replay(self.recordings()[0])
        self.assertEqual(result.returncode, 1)
        self.assertIn("identical as far as it is whole", result.stdout)

    def test_a_halt_writes_the_last_inputs_to_the_log_once(self):
        daemon = self.daemon()
        host = self.host(daemon)
        host.ask(b"M115")
        for number in range(120):
            host.ask(b"M117 line %d" % number)
        host.write(b"M112\n")
        host.wait_for(b"kill() called")
        self.assertEqual(daemon.stop(), 0)  # if there is more to be told, it has been
        log = read_text(daemon.log)
        # Whoever is told of it must not be served before the printer.
        self.assertLess(log.index('printer < "\\nM112'),
                        log.index('host    < "echo:sioproxy M112'))
        self.assertEqual(log.count("what came (>) and went (<) before:"), 1)
        self.assertRegex(log, r'(?m)^ +-\d+\.\d{3} s  host    > "M117 line 119\\n"$')
        self.assertRegex(log, r'(?m)^ +-\d+\.\d{3} s  printer < "M117 line 119\\n"$')
        self.assertNotIn('"M117 line 5\\n"', log)
        lines = [line for line in log.splitlines() if " s  host    " in line]
        self.assertLessEqual(len(lines), 100)
        self.assertGreater(len(lines), 90)

    def numbered(self, host, number, command):
        """A line of a job, and its ok."""
        line = b"N%d %s" % (number, command)
        checksum = 0
        for byte in line:
            checksum ^= byte
        host.ask(b"%s*%d" % (line, checksum))

    def begin_job(self, daemon, lines):
        host = self.host(daemon)
        host.ask(b"M105")
        self.numbered(host, 0, b"M110 N0")
        for number in range(1, lines):
            self.numbered(host, number, b"M204 S%d" % number)
        self.assertEqual(daemon.status()["print"]["state"], "printing")
        return host

    def wait_for_last_inputs(self, daemon, times):
        daemon.wait_for("print", "failed")
        wait_until("the last inputs are in the log",
                   lambda: daemon.logged("what came (>) and went (<) before:") == times, PATIENCE)

    def test_a_job_that_fails_writes_the_last_inputs_of_every_port_to_the_log(self):
        daemon = self.daemon(board="simulated")
        daemon.wait_for("board", "online")
        self.assertEqual(daemon.run_sioctl("set", "light", "on")[0], 0)
        host = self.begin_job(daemon, 130)
        self.assertEqual(daemon.logged("what came (>)"), 0)
        host.close()  # in mid-print
        self.wait_for_last_inputs(daemon, 1)
        daemon.wait_for_log("  host    closed")  # which comes last
        first = read_text(daemon.log)
        self.assertNotIn("M204 S5*", first)
        for line in (r"host    > .N129 M204 S129", r"host    closed", r"printer < .N129 M204 S129",
                     r"printer > .ok", r"board   < .IO 12 1"):
            self.assertRegex(first, r"(?m)^ +-\d+\.\d{3} s  " + line)
        self.assertRegex(said("board", first), r"IO:[01]+")
        self.begin_job(daemon, 5)
        self.assertEqual(daemon.run_sioctl("sim", "printer", "reset")[0], 0)
        self.wait_for_last_inputs(daemon, 2)
        wait_until("the printer's start is among them",
                   lambda: "start" in said("printer", read_text(daemon.log)), PATIENCE)


if __name__ == "__main__":
    unittest.main()
