"""What is recorded is replayed identically, and a damaged recording is told."""

import os
import re
import signal
import subprocess
import unittest

from machine import BUILD, PATIENCE, MachineTest, read_text, wait_until
from recording_chunks import MAGIC, chunks_of, recording_of


class Recording(MachineTest):
    def replay(self, path):
        return subprocess.run([os.path.join(BUILD, "sioproxy"), "replay", path],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def record(self, daemon):
        """sioctl record in the background, begun."""
        path = self.path("recording")
        process = subprocess.Popen([os.path.join(BUILD, "sioctl"), "--socket", daemon.socket,
                                    "record", path], stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until("the recording has begun", lambda: os.path.exists(path) and
                   os.path.getsize(path) > len(MAGIC), PATIENCE, 0.01)
        return process, path

    def print_something(self, daemon):
        host = self.host(daemon, parity_first=True)
        host.ask(b"M115")
        for number in range(200):
            host.ask(b"M42 Plight S%d" % (number % 2))
            host.ask(b"M117 line %d" % number)
        host.close()
        daemon.wait_for("host", "disconnected")

    def recorded(self):
        """The path of a recording of a whole conversation, begun in mid-run."""
        daemon = self.daemon(board="simulated")
        daemon.wait_for("board", "online")
        self.print_something(daemon)
        process, path = self.record(daemon)
        self.print_something(daemon)
        self.assertEqual(daemon.run_sioctl("reload")[0], 0)
        self.assertEqual(daemon.run_sioctl("set", "light", "on")[0], 0)
        self.assertEqual(daemon.run_sioctl("sim", "printer", "unplug")[0], 0)
        daemon.wait_for("printer", "offline")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertEqual(daemon.stop(), 0)
        return path

    def test_a_session_is_replayed_identically(self):
        path = self.recorded()
        result = self.replay(path)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertRegex(result.stdout, r"^replay: \d{3,} inputs, \d{4,} bytes to host, "
                                        r"\d{4,} bytes to printer, identical\n$")

    def test_damage_is_told(self):
        path = self.recorded()
        with open(path, "rb") as file:
            whole = file.read()
        damaged = self.path("damaged")

        def replay_of(data):
            with open(damaged, "wb") as file:
                file.write(data)
            return self.replay(damaged)

        for cut in (len(whole) - 1, len(whole) // 2, len(whole) // 2 + 7):
            result = replay_of(whole[:cut])
            self.assertEqual(result.returncode, 1, cut)
            self.assertIn("identical as far as it is whole", result.stdout)
            self.assertIn("it is torn", result.stderr)
        result = replay_of(whole[:200])
        self.assertEqual(result.returncode, 1)
        self.assertIn("replay: 0 inputs", result.stdout)
        for cut in (0, 5, len(MAGIC)):
            self.assertEqual(replay_of(whole[:cut]).returncode, 2, cut)
        self.assertIn("no recording", replay_of(b"G28\nG29\n").stderr)
        self.assertIn("another version", replay_of(whole.replace(b"recording 2\n",
                                                                 b"recording 9\n")).stderr)
        at = whole.rindex(b"M117 line 199")
        result = replay_of(whole[:at] + b"M117 lime 199" + whole[at + 13:])
        self.assertEqual(result.returncode, 1)
        self.assertIn("identical as far as it is whole", result.stdout)
        place = int(re.search("it is damaged after byte ([0-9]+) of ", result.stderr).group(1))
        self.assertTrue(at - 50 < place < at, (place, at, result.stderr))

    def test_what_is_recorded_and_not_written_now_is_a_difference(self):
        path = self.recorded()
        with open(path, "rb") as file:
            chunks = list(chunks_of(file.read()))
        last = max(i for i, (_, payload) in enumerate(chunks) if b"M117 line 199" in payload)
        kind, payload = chunks[last]
        chunks[last] = (kind, payload.replace(b"line 199", b"lime 199"))
        with open(path, "wb") as file:
            file.write(recording_of(chunks))
        result = self.replay(path)
        self.assertEqual(result.returncode, 1)
        self.assertIn('recorded: "M117 lime 199\\n', result.stdout)
        self.assertIn('now:      "M117 line 199\\n', result.stdout)
        self.assertIn("the inputs up to it:\n", result.stdout)

    def test_a_flipped_bit_is_told_as_damage(self):
        path = self.recorded()
        with open(path, "rb") as file:
            whole = file.read()
        damaged = self.path("damaged")
        for number in range(40):
            at = len(MAGIC) + (number * 2654435761) % (len(whole) - len(MAGIC))
            with open(damaged, "wb") as file:
                file.write(whole[:at] + bytes([whole[at] ^ (1 << number % 8)]) + whole[at + 1:])
            result = self.replay(damaged)
            self.assertEqual(result.returncode, 1, (at, result.stderr))
            self.assertRegex(result.stderr, "it is (torn or )?damaged after byte [0-9]+ of ")

    def test_the_end_of_the_daemon_ends_the_recording(self):
        daemon = self.daemon()
        process, path = self.record(daemon)
        self.host(daemon).ask(b"M115")
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(process.wait(PATIENCE), 1)
        self.assertEqual(self.replay(path).returncode, 0)

    def test_a_second_recording_is_refused(self):
        daemon = self.daemon()
        self.record(daemon)
        code, _, err = daemon.run_sioctl("record", self.path("second"))
        self.assertEqual(code, 1)
        self.assertIn("somebody else is recording", err)

    def test_a_recorder_that_does_not_read_is_let_go(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link)
        control = self.control(daemon)
        control.send(b'{"command":"record"}\n')
        daemon.wait_for_log("a recording has begun")
        host = self.host(daemon)
        line = b"M117 " + b"x" * 900 + b"\n"
        for _ in range(20000):
            if "reads too slowly" in read_text(daemon.log):
                break
            host.write(line)
            host.wait_for(b"ok")
        self.assertIn("reads too slowly", read_text(daemon.log))
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))


if __name__ == "__main__":
    unittest.main()
