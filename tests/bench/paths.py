"""
What lies between the two ends of a wire: nothing, socat, or the proxy.

Each way has a host and a printer descriptor, and a process whose cost can be read, if there is one.
"""

import json
import os
import pty
import socket
import subprocess
import sys
import time
import tty

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from process import BUILD, PATIENCE, Program, wait_until  # noqa: E402

CONFIG = """\
name: bench
host:
  port: {link}
printer:
  port: {printer}
  baud: 115200
board:
  port: {board}
points:
  light: {{io: 12, type: output}}
  door:  {{io: 2, type: input, active: low}}
{more}control:
  socket: {socket}
state: {state}
rules: {rules}
"""

# Every fourth is a pattern; all have the gcode's word in front, as users' have.
RULE = "  - {{name: bench {0}, when: {{gcode: {1}}}, do: [{{say: 'bench {0}'}}]}}\n"


def write_rules(path, count):
    """A rule file of so many rules, for codes that no print file has."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("rules:\n")
        for i in range(count):
            code = "M%d" % (20000 + i)
            file.write(RULE.format(i, code if i % 4 else "'%s P(?<p>\\d+).*'" % code))
    return path


def open_raw(path):
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(descriptor)
    return descriptor


class Direct:
    """A pty alone."""
    name = "direct"

    def __init__(self, _folder):
        self.printer, self.host = pty.openpty()
        tty.setraw(self.host)
        self.pid = None

    def stop(self):
        os.close(self.host)
        os.close(self.printer)


class Socat:
    """Two ptys and socat between them: the byte pipe that a user would pick otherwise."""
    name = "socat"

    def __init__(self, folder):
        links = [os.path.join(folder, "socat-" + end) for end in ("host", "printer")]
        self.program = Program(
            "socat", ["socat"] + ["pty,raw,echo=0,link=" + link for link in links],
            os.path.join(folder, "socat.log"))
        self.pid = self.program.process.pid
        wait_until("socat's ports", lambda: all(map(os.path.exists, links)), PATIENCE, 0.01,
                   [self.program])
        self.host, self.printer = map(open_raw, links)

    def stop(self):
        os.close(self.host)
        os.close(self.printer)
        self.program.kill()


class Proxy:
    """sioproxy between a pty that is the printer's and its own."""
    name = "sioproxy"

    def __init__(self, folder, rules=0, board="simulated", more="", extra=None):
        """
        `rules` are in force besides the M-codes, and those of the file `extra`; `more`: points, and
        what follows them in the config.
        """
        self.link = os.path.join(folder, "printer")
        self.socket = os.path.join(folder, "control")
        self.config = os.path.join(folder, "bench.yaml")
        self.printer, self.kept = pty.openpty()
        tty.setraw(self.kept)
        files = [write_rules(os.path.join(folder, "rules.yaml"), rules)] if rules else []
        files += [extra] if extra else []
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(link=self.link, printer=os.ttyname(self.kept), board=board,
                                    socket=self.socket, state=os.path.join(folder, "state"),
                                    rules="[%s]" % ", ".join(files), more=more))
        self.start(folder)
        wait_until("the printer's port is open",
                   lambda: self.status()["printer"]["state"] != "offline", PATIENCE, 0.05,
                   [self.program])
        self.host = open_raw(self.link)

    def start(self, folder):
        """Starts it; how long it took to be ready is in start_seconds."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(os.path.join(folder, "ready"))
            ready.settimeout(PATIENCE)
            begin = time.monotonic()
            self.program = Program("sioproxy", [os.path.join(BUILD, "sioproxy"), "-c", self.config],
                                   os.path.join(folder, "log"),
                                   {**os.environ, "NOTIFY_SOCKET": os.path.join(folder, "ready")})
            while b"READY=1" not in ready.recv(4096):
                self.program.check_alive()
            self.start_seconds = time.monotonic() - begin
        self.pid = self.program.process.pid

    def status(self):
        answer = subprocess.run([os.path.join(BUILD, "sioctl"), "--socket", self.socket, "--json",
                                 "status"], capture_output=True, text=True, timeout=PATIENCE,
                                check=True)
        return json.loads(answer.stdout)

    def stop(self):
        os.close(self.host)
        self.program.stop()
        os.close(self.kept)
        os.close(self.printer)


BUTTON = "  button: {io: 0, type: input, active: high, debounce: 0}\n"
HALTS = "estop: {point: button, reset_dtr: false}\n"
SWITCHED = [8, 9, 10, 11, 13, 14, 15, 16, 17]  # and the light: ten outputs


class Stop(Proxy):
    """The same with an emergency stop on a board at a pty, and M-codes that switch ten outputs."""

    def __init__(self, folder, rules=0):
        self.board, self.board_kept = pty.openpty()
        tty.setraw(self.board_kept)
        points = ["  o%d: {io: %d, type: output, halt: off}\n" % (io, io) for io in SWITCHED]
        extra = os.path.join(folder, "burst.yaml")
        with open(extra, "w", encoding="utf-8") as file:
            file.write("rules:\n")
            for code, state in (("M30050", "on"), ("M30051", "off")):
                steps = ", ".join("o%d: %s" % (io, state) for io in SWITCHED)
                file.write("  - {when: {gcode: %s}, do: [{set: {light: %s, %s}}]}\n"
                           % (code, state, steps))
        super().__init__(folder, rules, os.ttyname(self.board_kept),
                         BUTTON + "".join(points) + HALTS, extra)

    def stop(self):
        super().stop()
        os.close(self.board_kept)
        os.close(self.board)
