"""Start and end: what must be ours alone, what a killed daemon leaves, signals, exit statuses."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from machine import BUILD, PATIENCE, Daemon, MachineTest, read_text, wait_until

PROGRAM = os.path.join(BUILD, "sioproxy")


def run(*words):
    return subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=PATIENCE, check=False)


class Start(MachineTest):
    def other(self, **paths):
        """A second daemon with the first one's paths, but those that are named."""
        folder = tempfile.mkdtemp(prefix="sioproxy-test-")
        self.addCleanup(shutil.rmtree, folder)
        other = Daemon(folder)
        with open(other.config, encoding="utf-8") as file:
            config = file.read()
        for name, path in paths.items():
            config = config.replace(f": {getattr(other, name)}\n", f": {path}\n")
        with open(other.config, "w", encoding="utf-8") as file:
            file.write(config)
        return other

    def test_it_ends_in_order(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = self.daemon()
            host = self.host(daemon)
            host.ask(b"M115")
            daemon.program.process.send_signal(number)
            self.assertEqual(daemon.program.process.wait(PATIENCE), 0)
            left = [name for name in os.listdir(self.folder) if name not in
                    ("test.yaml", "log", "state")]
            self.assertEqual(left, [])

    def test_a_second_daemon_leaves_the_first_alone(self):
        daemon = self.daemon()
        host = self.host(daemon)
        again = run("-c", daemon.config)
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"is used by another sioproxy (pid {daemon.pid})", again.stderr)
        for name in ("link", "socket", "state"):
            other = self.other(**{name: getattr(daemon, name)})
            result = run("-c", other.config)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn(f"{getattr(daemon, name)} is used by another sioproxy", result.stderr)
        self.assertIn(b"FIRMWARE_NAME", host.ask(b"M115"))
        self.assertEqual(daemon.status()["name"], "test")

    def test_what_a_killed_daemon_left_is_replaced(self):
        daemon = self.daemon()
        daemon.kill()
        self.assertTrue(os.path.lexists(daemon.link))
        self.assertTrue(os.path.lexists(daemon.socket))
        daemon = self.daemon()
        self.assertIn(b"FIRMWARE_NAME", self.host(daemon).ask(b"M115"))
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.lexists(daemon.link))

    def test_a_link_that_dangles_is_replaced(self):
        os.symlink("/dev/nothing", self.path("printer"))
        self.host(self.daemon())

    def test_what_is_no_link_is_left_alone(self):
        for name in ("printer", "control"):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write("precious")
            result = run("-c", Daemon(self.folder).config)
            self.assertEqual(result.returncode, 1)
            self.assertIn("it is left alone", result.stderr)
            self.assertEqual(read_text(self.path(name)), "precious")
            os.unlink(self.path(name))

    def test_a_socket_of_another_program_is_left_alone(self):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path("control"))
            listener.listen()
            result = run("-c", Daemon(self.folder).config)
            self.assertEqual(result.returncode, 1)
            self.assertIn("is used by another program", result.stderr)
        self.assertTrue(os.path.exists(self.path("control")))

    def test_a_state_file_that_cannot_be_read_ends_it(self):
        daemon = Daemon(self.folder)
        os.mkdir(daemon.state)
        result = run("-c", daemon.config)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"{daemon.state} cannot be had: Is a directory", result.stderr)
        self.assertFalse(os.path.lexists(daemon.link))

    def test_check_is_an_option_too(self):
        daemon = Daemon(self.folder)
        for words in (("--check", "-c", daemon.config), ("--check", daemon.config),
                      ("check", daemon.config)):
            result = run(*words)
            self.assertEqual((result.returncode, result.stdout),
                             (0, f"{daemon.config}: ok, 0 points, 0 rules\n"), words)
        result = run("-n", "../mk3")
        self.assertEqual(result.returncode, 2)
        self.assertIn("-n wants a name", result.stderr)

    def test_systemd_is_told(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(self.path("notify"))
            listener.settimeout(PATIENCE)
            os.environ["NOTIFY_SOCKET"] = self.path("notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")
            daemon = self.daemon()
            self.assertEqual(listener.recv(100), b"READY=1")
            self.assertTrue(os.path.exists(daemon.link))

    def test_a_fault_of_its_own_is_not_the_end_without_a_word(self):
        daemon = self.daemon()
        daemon.program.process.send_signal(signal.SIGABRT)
        self.assertEqual(daemon.program.process.wait(PATIENCE), -signal.SIGABRT)
        self.assertRegex(read_text(daemon.log), r"(?m)^error: sioproxy \S+ is ended by signal 06: ")

    def test_the_journal_gets_levels(self):
        os.environ["JOURNAL_STREAM"] = "8:1"
        self.addCleanup(os.environ.pop, "JOURNAL_STREAM")
        daemon = self.daemon(printer=self.path("nothing"))
        daemon.wait_for_log("<6>ready: ")
        daemon.wait_for_log("<4>printer: ")

    def test_a_hang_up_reloads(self):
        daemon = self.daemon(board="simulated")
        control = self.control(daemon)
        control.ask(command="watch")
        daemon.program.process.send_signal(signal.SIGHUP)
        self.wait_for_reload(control, "done")
        daemon.write_config(board="none")
        daemon.program.process.send_signal(signal.SIGHUP)
        self.assertIn("needs a restart", self.wait_for_reload(control, "refused")["cause"])

    def wait_for_reload(self, control, state):
        while True:
            event = control.receive()
            if event["event"] == "reload":
                self.assertEqual(event["state"], state, event)
                return event

    def test_the_speed_is_remembered(self):
        printer = self.pty_printer()
        daemon = self.daemon(printer=printer.link, baud="follow")
        host = self.host(daemon)
        host.ask(b"M115")
        wait_until("the state is saved", lambda: "115200" in read_text(daemon.state),
                   PATIENCE)
        host.close()
        self.assertEqual(daemon.stop(), 0)
        daemon = self.daemon(printer=printer.link, baud="follow")
        self.assertEqual(daemon.status()["printer"]["baud"], 115200)

    def test_usage_and_config_are_status_2(self):
        self.assertEqual(run("--nonsense").returncode, 2)
        self.assertEqual(run("nonsense").returncode, 2)
        self.assertEqual(run("-c", self.path("nothing.yaml")).returncode, 2)
        self.assertEqual(run("-n", "nobody-has-this-name").returncode, 2)
        self.assertEqual(run("simulate", "x.gcode").returncode, 2)
        self.assertEqual(run("check-rules").returncode, 2)
        self.assertEqual(run("check-rules", "x.yaml").returncode, 2)
        self.assertEqual(run("replay").returncode, 2)
        self.assertEqual(run("check", self.path("nothing.yaml")).returncode, 2)

    def test_a_usage_mistake_is_one_sentence(self):
        for words, sentence in (
                (["chekc"], "there is no command chekc: did you mean check?"),
                (["xyzzy"], "there is no command xyzzy: sioproxy --help lists them"),
                (["--chekc"], "there is no option --chekc: did you mean --check?"),
                (["--utnil=3s", "replay"], "there is no option --utnil=3s: did you mean --until?"),
                (["-x"], "there is no option -x: sioproxy --help lists them"),
                (["check", "-1s"], "there is no option -1: sioproxy --help lists them"),
                (["-c"], "-c wants an argument"),
                (["replay"], "replay wants one recording"),
                (["-n", "a", "-c", "b"], "-n and -c exclude each other")):
            result = run(*words)
            self.assertEqual((result.returncode, result.stdout, result.stderr),
                             (2, "", f"sioproxy: {sentence}\n"))

    def test_help_and_version(self):
        for word in ("--help", "-h", "--version", "-V"):
            result = run(word)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("sioproxy", result.stdout)

    def test_check_says_ok_and_starts_nothing(self):
        config = Daemon(self.folder, board="simulated").config
        for words in (["check", config], ["--check", "-c", config]):
            result = run(*words)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stdout, f"{config}: ok, 2 points, 0 rules\n")
        self.assertEqual(os.listdir(self.folder), ["test.yaml"])

    def test_check_prints_every_mistake(self):
        daemon = Daemon(self.folder, extra="nonsense: 1\nmore: 2\n")
        result = run("check", daemon.config)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(len(re.findall(r"test\.yaml:\d+:\d+: error: ", result.stderr)), 2,
                         result.stderr)
        self.assertEqual(run("-c", daemon.config).returncode, 2)
        self.assertFalse(os.path.lexists(daemon.link))

    def test_outputs_go_to_their_exit_state(self):
        daemon = Daemon(self.folder, board="simulated")
        with open(daemon.config, encoding="utf-8") as file:
            config = file.read()
        with open(daemon.config, "w", encoding="utf-8") as file:
            file.write(config.replace("start: off,", "start: off, exit: on,"))
        self.addCleanup(daemon.kill)
        daemon.start()
        daemon.wait_for("board", "online")
        control = self.control(daemon)
        control.ask(command="watch")
        self.assertEqual(daemon.stop(), 0)
        events = []
        while (event := control.receive()) is not None:
            events.append((event["event"], event["name"], event["state"]))
        self.assertIn(("point", "light", "on"), events)

    def test_a_board_that_is_gone_does_not_hold_the_end_up(self):
        daemon = self.daemon(board="simulated", extra="")
        daemon.wait_for("board", "online")
        daemon.run_sioctl("sim", "board", "unplug")
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
