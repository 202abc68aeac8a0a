"""
The daemon under test, with a config and a folder of its own, and simulated machines on ptys.
"""

import datetime
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time

from process import BUILD, LONG, PATIENCE, Failure, Program, read_text, tail, wait_until

CONFIG = """\
name: e2e
host:
  port: {link}
printer:
  port: {printer}
  baud: 115200
board:
  port: {board}
  report_interval: 500ms
points:
  light:   {{io: 12, type: output, start: off, label: Chamber light}}
  shutter: {{io: 13, type: output, start: off}}
  fan:     {{io: 14, type: output, start: off}}
  door:    {{io: 2,  type: input, active: low, debounce: 20ms}}
{points}control:
  socket: {socket}
state: {state}
{more}"""

OUTPUTS = ("light", "shutter", "fan")

VALGRIND = ["valgrind", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible",
            "--errors-for-leak-kinds=definite,indirect,possible", "--error-exitcode=99",
            "--child-silent-after-fork=yes"]


def difference_of_clocks():
    """
    The time of day less the monotonic clock, in seconds: of several looks the one that took the
    shortest, since a busy machine may let us wait between the one clock and the other.
    """
    looks = []
    for _ in range(20):
        before, day, after = time.monotonic(), time.time(), time.monotonic()
        looks.append((after - before, day - (before + after) / 2))
    return min(looks)[1]


class Watch:
    """
    Every event from now on, with its time, as `sioctl --json watch` prints them.

    Nothing is lost at either end: the daemon has answered before the first event that is to be
    seen may happen, and at the end once more behind all that has happened.
    """

    def __init__(self, path):
        self.events = []
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.answers = queue.Queue()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()
        self._ask("watch")

    def _ask(self, command):
        self.socket.sendall(json.dumps({"command": command}).encode() + b"\n")
        if not self.answers.get(timeout=PATIENCE)["ok"]:
            raise Failure("sioproxy refuses to " + command)

    def _read(self):
        for line in self.socket.makefile("rb"):
            message = json.loads(line)
            if "event" in message:
                # The event bears the time of day, which may be set while we watch; the printer's
                # log that of the monotonic clock.
                moment = datetime.datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
                message["ms"] = (moment.timestamp() - difference_of_clocks()) * 1000
                self.events.append(message)
            else:
                self.answers.put(message)

    def of(self, kind):
        """The events of one kind, as (event, milliseconds of the monotonic clock)."""
        return [(event, event["ms"]) for event in self.events if event["event"] == kind]

    def stop(self):
        self._ask("status")
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.socket.close()


class Proxy:
    def __init__(self, directory, printer="simulated", valgrind=False, board="simulated",
                 points="", more=""):
        """
        Writes a config for a proxy in directory (made if missing) with these ports; points and
        more are lines that it gets besides.
        """
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.link = os.path.join(directory, "printer")
        self.socket = os.path.join(directory, "control")
        self.config = os.path.join(directory, "e2e.yaml")
        self.log = os.path.join(directory, "sioproxy.log")
        self.state = os.path.join(directory, "state")
        self.valgrind = valgrind
        self.program = None
        self.helpers = []
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(link=self.link, printer=printer, socket=self.socket,
                                     board=board, state=self.state, points=points, more=more))

    def start(self):
        command = [os.path.join(BUILD, "sioproxy"), "-c", self.config]
        if self.valgrind:
            command = VALGRIND + command
        before = len(read_text(self.log))
        self.program = Program("sioproxy", command, self.log)
        ready = "ready: OctoPrint can connect to " + self.link
        wait_until(ready, lambda: ready in read_text(self.log)[before:],
                   PATIENCE, 0.05, [self.program])

    def stop(self):
        """Ends it by SIGTERM as systemd would; it must say nothing but 0 and leave no link."""
        for helper in self.helpers:
            helper.terminate()
            helper.wait(PATIENCE)
        self.helpers = []
        status = self.program.stop()
        if status != 0:
            raise Failure("sioproxy ended with status %d\n%s" % (status, tail(self.log)))
        for path in (self.link, self.socket):
            if os.path.lexists(path):
                raise Failure("sioproxy left %s behind" % path)

    def kill(self):
        for helper in self.helpers:
            helper.kill()
            helper.wait()
        if self.program:
            self.program.kill()

    def tails(self):
        return tail(self.log)

    # -- sioctl

    def _command(self, *words):
        return [os.path.join(BUILD, "sioctl"), "--socket", self.socket, *words]

    def ask(self, *words):
        """Runs sioctl and returns its exit status and what it printed."""
        result = subprocess.run(self._command(*words), stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE)
        return result.returncode, result.stdout

    def do(self, *words):
        """Runs sioctl, which must do what it is told, and returns what it printed."""
        status, output = self.ask(*words)
        if status != 0:
            raise Failure("sioctl %s: status %d: %s" % (" ".join(words), status, output))
        return output

    def json(self, *words):
        return json.loads(self.do("--json", *words))

    def status(self):
        return self.json("status")

    def point(self, name):
        """The state of a point: on, off or unknown."""
        return self.ask("get", name)[1].strip()

    def wait_for_point(self, name, state):
        wait_until("%s is %s" % (name, state), lambda: self.point(name) == state, PATIENCE,
                   0.1, [self.program])

    def estop(self):
        """The state of the emergency stop."""
        return self.ask("estop")[1].strip()

    def wait_for_estop(self, state):
        wait_until("the emergency stop is " + state, lambda: self.estop() == state, PATIENCE, 0.1,
                   [self.program])

    def waiting_for(self):
        """What the stream waits for at the moment, or None."""
        waiting = self.status()["waiting"]
        return waiting["for"] if waiting else None

    def wait_until_it_waits(self, text):
        """Waits until the stream waits for something whose name contains text."""
        wait_until("the stream waits for " + text,
                   lambda: text in (self.waiting_for() or ""), LONG, 0.1, [self.program])

    def watch(self):
        return Watch(self.socket)

    def record(self, path):
        """Records into path from now on; returns once the recording has begun."""
        process = subprocess.Popen(self._command("record", path), stdin=subprocess.DEVNULL)
        self.helpers.append(process)
        wait_until("the recording has begun", lambda: len(read_text(path)) > 0, PATIENCE, 0.05,
                   [self.program])
        return process


class PtyPrinter:
    """
    The simulated printer as a program on a pty, which writes down what it executes and every byte
    that reaches it. A pty has no DTR: only reset() resets it, as the knob on the printer does.
    """

    def __init__(self, directory, options=()):
        """options: further words for its command line."""
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.options = list(options)
        self.link = os.path.join(directory, "printer-device")
        self.executed_log = os.path.join(directory, "executed.log")
        self.wire_log = os.path.join(directory, "printer-wire")
        self.log = os.path.join(directory, "sim_printer_pty.log")
        self.program = None

    def start(self):
        self.program = Program("sim_printer_pty",
                               [os.path.join(BUILD, "sim_printer_pty"), *self.options, "--wire",
                                self.wire_log, self.link, self.executed_log], self.log,
                               listens=True)
        wait_until("the simulated printer's pty", lambda: os.path.exists(self.link), PATIENCE, 0.05,
                   [self.program])

    def executed(self):
        """The commands it has executed, oldest first, without the time in front of each."""
        return [line.partition(" ")[2] for line in read_text(self.executed_log).splitlines()]

    def executed_times(self):
        """When each of them was, in milliseconds of the monotonic clock."""
        return [int(line.partition(" ")[0]) for line in
                read_text(self.executed_log).splitlines()]

    def executed_count(self):
        try:
            with open(self.executed_log, "rb") as file:
                return file.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def wire(self):
        """Every byte that has reached it, as text."""
        return read_text(self.wire_log)

    def states(self):
        """The states it has had: booting, up, halted …"""
        return [line.partition(" ")[2] for line in read_text(self.log).splitlines()
                if line.startswith("printer ")]

    def reset(self):
        self.program.tell("reset")

    def power(self, on):
        """Its own switch, or that of its supply. Its port stays: USB feeds that."""
        self.program.tell("power-on" if on else "power-off")

    def kill(self):
        if self.program:
            self.program.kill()

    def tails(self):
        return tail(self.executed_log, 15) + tail(self.log, 15)


class VirtualPrinter(PtyPrinter):
    """
    OctoPrint's own virtual printer in place of ours (virtual_printer_pty.py): options are settings
    of that, as "sendWait=false". It has no states and no power.
    """

    def start(self):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "virtual_printer_pty.py")
        self.log = os.path.join(self.directory, "virtual_printer_pty.log")
        self.program = Program("virtual_printer_pty",
                               [sys.executable, program,
                                os.path.join(self.directory, "virtual_printer"), self.link,
                                self.executed_log, self.wire_log, *self.options],
                               self.log, listens=True)
        wait_until("the virtual printer's pty", lambda: os.path.exists(self.link), PATIENCE, 0.05,
                   [self.program])

    def asked(self):
        """How often it has asked for a line to be sent again."""
        return read_text(self.log).count("asks for a line\n")

    def on_card(self, name):
        """What a file on its card holds: lines without their ends."""
        return read_text(os.path.join(self.directory, "virtual_printer", "virtualSd", name))

    def debug(self, command):
        """Lets it do what it does for the line `!!DEBUG:command`."""
        self.program.tell("debug " + command)


class PtyBoard:
    """The simulated board as a program on a pty: its inputs outlive the daemon."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.link = os.path.join(directory, "board-device")
        self.pins_log = os.path.join(directory, "board-pins.log")
        self.log = os.path.join(directory, "sim_board_pty.log")
        self.program = None

    def start(self):
        self.program = Program("sim_board_pty", [os.path.join(BUILD, "sim_board_pty"), self.link,
                                                 self.pins_log], self.log, listens=True)
        wait_until("the simulated board's pty", lambda: os.path.exists(self.link), PATIENCE, 0.05,
                   [self.program])

    def input(self, io, high):
        """Drives an input pin from outside."""
        self.program.tell("in %d %d" % (io, high))

    def changes(self, io):
        """The levels that a pin has gone to, oldest first."""
        start = "pin %d " % io
        lines = [line.partition(" ")[2] for line in read_text(self.pins_log).splitlines()]
        return [line[len(start):] == "1" for line in lines if line.startswith(start)]

    def kill(self):
        if self.program:
            self.program.kill()

    def tails(self):
        return tail(self.pins_log, 15)
