"""
The board's share: guests at a port of their own, one of which does as the plugin SIO Control does.

What that one sends, reads and waits for follows OctoPrint-SIOControl 1.0.3: Connection.py
(IODeviceInitialize, read_thread, write_thread) and __init__.py (on_after_startup, setStartUpIO).
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
import unittest

from machine import BUILD, PATIENCE, Daemon, Host, MachineTest, wait_until

BOARD_IOS = 18
BOARD_ANSWER = 1.5 # seconds, as BOARD_ANSWER_MS
QUIET = 2.5 # seconds, less than the share is quiet for one who has just come


class Guest(Host):
    """Somebody at the share: lines are said and heard."""

    def __init__(self, path):
        super().__init__(path, exclusive=False)

    def line(self, timeout=1.0):
        """The next line as the plugin reads it, empty if none comes in that time."""
        end = time.monotonic() + timeout
        while b"\n" not in self.heard:
            rest = end - time.monotonic()
            if rest <= 0 or not select.select([self.fd], [], [], rest)[0]:
                return ""
            self.read()
        line, self.heard = self.heard.split(b"\n", 1)
        return line.strip().decode()

    def says(self, line):
        self.write(line.encode() + b"\n")

    def hears(self, beginning, timeout=PATIENCE):
        """The next line that begins so; what comes before it is left out."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            line = self.line(0.2)
            if line.startswith(beginning):
                return line
        raise AssertionError(f"no {beginning} within {timeout} s")


class Plugin(Guest):
    """The plugin at its start, as far as the port is concerned."""

    KNOWN = ("VI", "CP", "IO", "OK", "IC", "RR", "IT", "DG", "FS", "XT", "TC")

    def __init__(self, path):
        self.opened = time.monotonic()
        super().__init__(path)
        self.prompt = False # has it said the first VC before anything was said to it?
        self.strange = 0
        self.levels = None
        self.ready = False
        self.greetings = 0
        self.repeated = 0

    def connect(self):
        """Says VC until CP has come; another line of a board before it means once more."""
        self.greet()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            line = self.line()
            if line.startswith("CP"):
                return line[3:]
            if line[:2] in ("IO", "RR", "IT"):
                self.greet()
            elif line and line[:2] not in ("VI", "OK", "DG"):
                self.strange += 1
                if self.strange > 15:
                    raise AssertionError("the plugin gives up")
        raise AssertionError("VC is not answered")

    def greet(self):
        self.read()
        self.heard = b""
        self.greetings += 1
        self.says("VC")
        if self.greetings == 1:
            self.prompt = time.monotonic() - self.opened < QUIET

    def take(self, line):
        if line[:2] not in self.KNOWN:
            self.strange += line != ""
        elif line[:2] == "IO":
            self.levels = line[3:]
        elif line == "RR":
            self.ready = True

    def listen(self, until, timeout=PATIENCE):
        end = time.monotonic() + timeout
        while not until():
            if time.monotonic() > end:
                raise AssertionError(f"in vain, it shows {self.levels}")
            self.take(self.line(0.1))

    def send(self, *commands):
        """As its write thread: several are framed by EIO and BIO; each goes until OK is read."""
        if len(commands) > 1:
            self.read()
            self.heard = b""
            self.says("EIO")
            self.take(self.line())
        for command in commands:
            self.says(command)
            while True:
                line = self.line()
                self.take(line)
                if line == "OK":
                    break
                self.repeated += 1
                if self.repeated > 50:
                    raise AssertionError(f"{command} is repeated for ever")
                self.says(command)
        if len(commands) > 1:
            self.says("BIO")


class Share(MachineTest):
    def setUp(self):
        super().setUp()
        self.share = self.path("board")

    def shared(self, board="simulated", writes="outputs"):
        """A daemon whose board has a share, and is online if it is simulated."""
        daemon = Daemon(self.folder, board=board)
        with open(daemon.config, encoding="utf-8") as file:
            text = file.read()
        with open(daemon.config, "w", encoding="utf-8") as file:
            file.write(text.replace("  report_interval: 500ms\n", "  report_interval: 500ms\n"
                                    f"  share: {self.share}\n  share_writes: {writes}\n"))
        daemon.start()
        self.addCleanup(daemon.kill)
        self.addCleanup(self.show_log, daemon)
        if board == "simulated":
            daemon.wait_for("board", "online")
        return daemon

    def guest(self, kind=Guest):
        guest = kind(self.share)
        self.addCleanup(guest.close)
        return guest

    def share_state(self, daemon):
        return daemon.status()["board"]["share"]["state"]

    def test_the_plugin_connects_sets_its_outputs_and_shows_them(self):
        daemon = self.shared()
        plugin = self.guest(Plugin)
        self.assertEqual(plugin.connect(), "SIOPlugin 0.1.1")
        if plugin.prompt:
            self.assertEqual(plugin.greetings, 1)
        plugin.listen(lambda: plugin.ready)
        self.assertEqual(len(plugin.levels), BOARD_IOS)
        self.assertEqual(daemon.status()["board"]["share"],
                         {"port": self.share, "state": "connected"})
        plugin.send("IC", "SI 3000", "IO 12 1")
        plugin.listen(lambda: plugin.levels[12] == "1")
        self.assertEqual(daemon.run_sioctl("get", "light")[:2], (0, "on\n"))
        daemon.wait_for_log("point light on: guest")
        plugin.send("IO 12 0")
        plugin.listen(lambda: plugin.levels[12] == "0")
        self.assertEqual(plugin.strange, 0)

    def test_what_others_switch_the_plugin_shows_at_once(self):
        daemon = self.shared()
        plugin = self.guest(Plugin)
        plugin.connect()
        plugin.listen(lambda: plugin.ready)
        plugin.send("SI 900000") # or the next report would show it
        self.assertEqual(daemon.run_sioctl("set", "light", "on")[0], 0)
        plugin.listen(lambda: plugin.levels[12] == "1")
        self.assertEqual(daemon.run_sioctl("sim", "door", "on")[0], 0)
        plugin.listen(lambda: plugin.levels[2] == "0")

    def test_the_plugin_connects_before_there_is_a_board(self):
        device = self.path("device")
        daemon = self.shared(board=device)
        plugin = self.guest(Plugin)
        self.assertEqual(plugin.connect(), "SIOPlugin 0.1.1")
        self.assertEqual(plugin.line(PATIENCE), "FS:NA")
        self.assertEqual(plugin.line(PATIENCE), "XT BRD:sioproxy")
        plugin.says("GS")
        self.assertEqual(plugin.hears("DG"), "DG:ERR: the IO board is not connected")
        self.assertFalse(plugin.ready)
        self.assertEqual(self.share_state(daemon), "connected")

    def test_a_board_that_goes_and_comes_back(self):
        daemon = self.shared()
        plugin = self.guest(Plugin)
        plugin.connect()
        plugin.listen(lambda: plugin.ready)
        self.assertEqual(daemon.run_sioctl("sim", "board", "unplug")[0], 0)
        daemon.wait_for("board", "lost")
        plugin.hears("DG:ERR: the IO board is not connected")
        plugin.says("IO 12 1")
        plugin.hears("DG:ERR: the IO board is not connected")
        plugin.ready = False
        self.assertEqual(daemon.run_sioctl("sim", "board", "plug")[0], 0)
        plugin.listen(lambda: plugin.ready, PATIENCE)
        plugin.send("IO 12 1")
        plugin.listen(lambda: plugin.levels[12] == "1")

    def test_guests_come_and_go_and_die_in_mid_line(self):
        daemon = self.shared()
        for number in range(30):
            guest = Guest(self.share)
            guest.says("\nVC") # the half line of the last one may still be there, too
            if number % 3 == 0:
                guest.hears("CP")
            guest.write(b"EIO\nIO 12")
            guest.close()
        wait_until("the guest has gone", lambda: self.share_state(daemon) == "disconnected",
                   PATIENCE)
        plugin = self.guest(Plugin)
        plugin.connect()
        plugin.listen(lambda: plugin.ready)
        self.assertEqual(plugin.levels[12], "0")

    def test_a_guest_that_is_killed_leaves_a_port_for_the_next(self):
        daemon = self.shared()
        code = ("import os, sys, tty\nfd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
                "tty.setraw(fd)\nos.write(fd, b'VC\\nIO 12 1\\nIO 1')\nprint('there', flush=True)\n"
                "while True: os.write(fd, b'GS\\n')\n")
        child = subprocess.Popen([sys.executable, "-c", code, self.share], stdout=subprocess.PIPE)
        child.stdout.readline()
        wait_until("it is switched", lambda: daemon.run_sioctl("get", "light")[1] == "on\n",
                   PATIENCE)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        wait_until("the guest has gone", lambda: self.share_state(daemon) == "disconnected",
                   PATIENCE)
        plugin = self.guest(Plugin)
        plugin.connect()
        plugin.listen(lambda: plugin.ready)
        self.assertEqual(plugin.levels[12], "1")

    def test_a_guest_that_never_reads_does_not_hold_the_print_up(self):
        daemon = self.shared()
        guest = self.guest()
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(guest.fd, b"GS\nVC\n\xff\x00garbage\n" * 50)
        host = self.host(daemon)
        for number in range(100):
            host.ask(b"M42 Plight S%d" % (number % 2))
        self.assertEqual(daemon.run_sioctl("set", "light", "on")[:2], (0, "on\n"))
        # As soon as it reads again, it is answered.
        wait_until("it can write again", lambda: (guest.read(), select.select(
            [], [guest.fd], [], 0)[1])[1], PATIENCE)
        guest.says("\nIC")
        guest.hears("IC:17")

    def test_an_octoprint_that_takes_it_for_a_printer_is_sent_away(self):
        self.shared()
        guest = self.guest()
        guest.says("N0 M110 N0*125")
        guest.hears("//action:disconnect")

    def test_another_sioproxy_takes_the_share_for_its_board(self):
        daemon = self.shared()
        folder = self.path("second")
        os.mkdir(folder)
        second = Daemon(folder, board=self.share)
        with open(second.config, encoding="utf-8") as file:
            text = file.read()
        with open(second.config, "w", encoding="utf-8") as file:
            file.write(text.replace(" start: off,", "")) # it leaves the light alone
        second.start()
        self.addCleanup(second.kill)
        self.addCleanup(self.show_log, second)
        second.wait_for("board", "online")
        begin = time.monotonic()
        faults = second.status()["counters"]["board_faults"]
        self.assertEqual(second.status()["board"]["firmware"], daemon.status()["board"]["firmware"])
        for state in ("on", "off"):
            self.assertEqual(daemon.run_sioctl("set", "light", state)[1], state + "\n")
            wait_until("the other sees it",
                       lambda state=state: second.run_sioctl("get", "light")[1] == state + "\n")
        self.assertEqual(second.run_sioctl("set", "light", "on")[:2], (0, "on\n"))
        self.assertEqual(daemon.run_sioctl("get", "light")[:2], (0, "on\n"))
        # From now on it holds the light, as any sioproxy does whose board has lost a level.
        self.assertEqual(daemon.run_sioctl("set", "light", "off")[:2], (0, "off\n"))
        wait_until("it is on again", lambda: daemon.run_sioctl("get", "light")[1] == "on\n")
        wait_until("for both", lambda: second.run_sioctl("get", "light")[1] == "on\n")
        # One that was not answered in time and repeated, each time that we have slept so long.
        slept = int((time.monotonic() - begin) / BOARD_ANSWER)
        self.assertLessEqual(second.status()["counters"]["board_faults"] - faults, 2 * slept)

    def test_sioctl_tells_octoprint_to_add_it_and_not_to_look_for_a_printer_there(self):
        daemon = self.shared()
        made = json.loads(daemon.run_sioctl("octoprint", "--json")[1])
        self.assertEqual(made["additional_ports"], [daemon.link, self.share])
        self.assertIn(self.share, made["blacklisted_ports"])

    def test_who_may_switch_nothing_switches_nothing(self):
        daemon = self.shared(writes="none")
        guest = self.guest()
        guest.says("IO 12 1")
        self.assertEqual(guest.hears("DG"), "DG:ERR: guests switch nothing here")
        guest.says("IO 12 1")
        guest.hears("DG")
        self.assertEqual(daemon.run_sioctl("get", "light")[:2], (1, "off\n"))
        self.assertEqual(daemon.logged("guest: io 12 is not switched"), 1)

    def test_the_share_is_recorded_and_replayed(self):
        daemon = self.shared()
        path = self.path("session.rec")
        recorder = subprocess.Popen(
            [os.path.join(BUILD, "sioctl"), "--socket",
             daemon.socket, "record", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(recorder.wait)
        self.addCleanup(recorder.kill)
        wait_until("it records", lambda: os.path.exists(path) and os.path.getsize(path) > 1000,
                   PATIENCE)
        plugin = self.guest(Plugin)
        plugin.connect()
        plugin.listen(lambda: plugin.ready)
        plugin.send("IC", "IO 12 1", "IO 2 1")
        plugin.listen(lambda: plugin.levels[12] == "1")
        plugin.close()
        daemon.wait_for_log("guest disconnected")
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
        done = subprocess.run([os.path.join(BUILD, "sioproxy"),
                               "replay", "--timeline", path], capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertIn("identical", done.stdout)
        self.assertIn('guest   > "IO 12 1"', done.stdout)
        self.assertIn('guest   < "IC:17', done.stdout)

    def test_the_name_is_taken_away_at_the_end_and_a_new_one_needs_a_restart(self):
        daemon = self.shared()
        self.assertTrue(os.path.islink(self.share))
        with open(daemon.config, encoding="utf-8") as file:
            text = file.read()
        with open(daemon.config, "w", encoding="utf-8") as file:
            file.write(text.replace(self.share, self.path("other")))
        status, _, error = daemon.run_sioctl("reload")
        self.assertEqual(status, 1)
        self.assertIn("board.share has changed: needs a restart", error)
        daemon.stop()
        self.assertFalse(os.path.islink(self.share))


if __name__ == "__main__":
    unittest.main(verbosity=2)
