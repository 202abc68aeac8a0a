"""
A daemon under test and what stands around it: a host that opens the port as OctoPrint does, a
printer on a pty or a TCP port that answers ok, a client of the control socket.

Real time, but nothing sleeps: every wait is for a condition and has an end, which is far away:
the machine may be slow or busy with others.
"""

import contextlib
import fcntl
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import tty
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from process import BUILD, PATIENCE, Failure, Program, read_text, wait_until  # noqa: E402

POINTS = """\
points:
  light: {io: 12, type: output, start: off, label: Chamber light}
  door:  {io: 2, type: input, active: low, debounce: 20ms}
"""


class Daemon:
    """sioproxy in a folder of its own."""

    def __init__(self, folder, printer="simulated", board="none", baud="115200", group=None,
                 extra=""):
        self.folder = folder
        self.link = os.path.join(folder, "printer")
        self.socket = os.path.join(folder, "control")
        self.config = os.path.join(folder, "test.yaml")
        self.state = os.path.join(folder, "state")
        self.log = os.path.join(folder, "log")
        self.program = None
        self.write_config(printer, board, baud, group, extra)

    def write_config(self, printer="simulated", board="none", baud="115200", group=None,
                     extra=""):
        points = "" if board == "none" else POINTS
        host = f"  port: {self.link}\n" + (f"  group: {group}\n" if group else "")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"name: test\nhost:\n{host}"
                       f"printer:\n  port: {printer}\n  baud: {baud}\n"
                       f"board:\n  port: {board}\n  report_interval: 500ms\n"
                       f"control:\n  socket: {self.socket}\nstate: {self.state}\n{points}{extra}")

    def start(self):
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.program = Program("sioproxy", [os.path.join(BUILD, "sioproxy"), "-c", self.config],
                               self.log)
        self.wait_for_log("ready: OctoPrint can connect to " + self.link)
        return self

    @property
    def pid(self):
        return self.program.process.pid

    def wait_for_log(self, text, timeout=PATIENCE):
        wait_until(f"`{text}` in the log", lambda: text in read_text(self.log), timeout, 0.01,
                   [self.program])

    def logged(self, text):
        return read_text(self.log).count(text)

    def run_sioctl(self, *words):
        """Exit status, stdout, stderr."""
        result = subprocess.run([os.path.join(BUILD, "sioctl"), "--socket", self.socket, *words],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        return result.returncode, result.stdout, result.stderr

    def status(self):
        status, out, err = self.run_sioctl("--json", "status")
        if status != 0:
            raise Failure(f"sioctl status: {status}: {err}")
        return json.loads(out)

    def wait_for(self, part, state, timeout=PATIENCE):
        """Until status says that, e.g. ("printer", "online")."""
        wait_until(f"{part} is {state}", lambda: self.status()[part]["state"] == state, timeout,
                   0.02, [self.program])

    def wait_for_printer(self, timeout=PATIENCE):
        """Until the printer's port is open, whether it has said anything or not."""
        wait_until("the printer's port is open",
                   lambda: self.status()["printer"]["state"] in ("silent", "online"), timeout,
                   0.02, [self.program])

    def wake_ups(self):
        """How often the process went to sleep of its own accord since it was started."""
        for line in read_text(f"/proc/{self.pid}/status").splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                return int(line.split()[1])
        raise Failure("no wake-ups in /proc")

    def cpu_seconds(self):
        fields = read_text(f"/proc/{self.pid}/stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        """Ends it in order; the exit status."""
        return self.program.stop()

    def kill(self):
        if self.program is not None:
            self.program.kill()


class Host:
    """A client of the virtual port that sets it up as pyserial does for OctoPrint."""

    def __init__(self, path, parity_first=False, exclusive=True):
        """parity_first: OctoPrint's work-around on Debian, an open with odd parity before."""
        self.pause = 0.0 # seconds between the two opens
        if parity_first:
            first = self.open_port(path, termios.PARENB | termios.PARODD, exclusive)
            self.pause = time.monotonic()
            os.close(first)
        self.fd = self.open_port(path, 0, exclusive)
        if parity_first:
            self.pause = time.monotonic() - self.pause
        self.heard = b""

    @staticmethod
    def open_port(path, parity, exclusive=True):
        """One open of serialposix.py: raw, 8 bits, the parity, then what it finds is flushed."""
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            if exclusive:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            iflag, oflag, cflag, lflag, _, _, cc = termios.tcgetattr(fd)
            cflag |= termios.CLOCAL | termios.CREAD
            lflag &= ~(termios.ICANON | termios.ECHO | termios.ECHOE | termios.ECHOK |
                       termios.ECHONL | termios.ISIG | termios.IEXTEN)
            oflag &= ~(termios.OPOST | termios.ONLCR | termios.OCRNL)
            iflag &= ~(termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IGNBRK |
                       termios.PARMRK | termios.INPCK | termios.ISTRIP | termios.IXON |
                       termios.IXOFF | termios.IXANY)
            cflag &= ~(termios.CSIZE | termios.CSTOPB | termios.PARENB | termios.PARODD |
                       termios.CRTSCTS)
            cflag |= termios.CS8 | parity
            cc[termios.VMIN] = 0
            cc[termios.VTIME] = 0
            termios.tcsetattr(fd, termios.TCSANOW, [iflag, oflag, cflag, lflag, termios.B115200,
                                                    termios.B115200, cc])
            termios.tcflush(fd, termios.TCIFLUSH)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def write(self, data):
        while data:
            try:
                data = data[os.write(self.fd, data):]
            except BlockingIOError:
                select.select([], [self.fd], [], PATIENCE)

    def read(self):
        """What is there now, kept in heard."""
        with contextlib.suppress(BlockingIOError):
            data = os.read(self.fd, 65536)
            self.heard += data
            return data
        return b""

    def wait_for(self, text, timeout=PATIENCE):
        """Reads on until text has been heard; returns all up to its end and forgets that."""
        end = time.monotonic() + timeout
        while text not in self.heard:
            rest = end - time.monotonic()
            if rest <= 0 or not select.select([self.fd], [], [], rest)[0]:
                raise Failure(f"the host waited in vain for {text!r}, heard {self.heard[-500:]!r}")
            self.read()
        cut = self.heard.index(text) + len(text)
        taken, self.heard = self.heard[:cut], self.heard[cut:]
        return taken

    def ask(self, line):
        """All that is heard up to the end of its ok."""
        self.write(line + b"\n")
        heard = self.wait_for(b"\n")
        while not heard.splitlines()[-1].startswith(b"ok"):
            heard += self.wait_for(b"\n")
        return heard

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class FakePrinter(threading.Thread):
    """Answers each line by `ok`, on a descriptor that connect() gives; knows no numbers."""

    def __init__(self):
        super().__init__(daemon=True)
        self.received = b""
        self.sent = b""
        self.wake_reader, self.wake_writer = os.pipe()
        self.ending = False
        self.connected = threading.Event()
        self.voice = threading.Lock() # whoever speaks has it until the end of the line

    def connect(self):
        """The next descriptor to serve, or None to end."""
        raise NotImplementedError

    def answer(self, line):
        if b"M115" in line:
            return b"FIRMWARE_NAME:Marlin 2.1 of a test\nok\n"
        if b"M105" in line:
            return b"ok T:21.0 /0.0 B:20.5 /0.0 @:0 B@:0\n"
        return b"ok\n"

    def run(self):
        while not self.ending:
            fd = self.connect()
            if fd is None:
                return
            os.set_blocking(fd, False)
            self.connected.set()
            self.serve(fd)
            self.connected.clear()

    def serve(self, fd):
        """Until it is woken, or the other side has gone."""
        partial = b""
        while not self.ending:
            ready = select.select([fd, self.wake_reader], [], [])[0]
            if self.wake_reader in ready:
                os.read(self.wake_reader, 1)
                return
            try:
                data = os.read(fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                return
            self.received += data
            *lines, partial = (partial + data).split(b"\n")
            answers = b"".join(self.answer(line) for line in lines if line)
            self.sent += answers
            if not self.say(fd, answers):
                return

    def say(self, fd, text):
        """All of it, behind what is being said; False if it was woken before."""
        while not self.voice.acquire(timeout=0.1):
            if self.ending:
                return False
        try:
            while text:
                ready = select.select([self.wake_reader], [fd], [])
                if ready[0]:
                    os.read(self.wake_reader, 1)
                    return False
                with contextlib.suppress(BlockingIOError):
                    text = text[os.write(fd, text):]
        finally:
            self.voice.release()
        return True

    def wake(self):
        os.write(self.wake_writer, b"x")

    def end(self):
        self.ending = True
        self.wake()


class PtyPrinter(FakePrinter):
    """On a pty behind a link; vanish() takes both away, come_back() makes new ones."""

    def __init__(self, link):
        super().__init__()
        self.link = link
        self.master = -1
        self.slaves = [] # open to the end: nobody else gets a pty by a name that was ours
        self.there = threading.Event()
        self.start()
        self.come_back()

    def come_back(self):
        self.master, slave = os.openpty()
        self.slaves.append(slave)
        tty.setraw(slave)
        os.symlink(os.ttyname(slave), self.link)
        self.there.set()
        wait_until("the printer's thread has begun", self.connected.is_set, PATIENCE, 0.01)

    def connect(self):
        self.there.wait()
        return None if self.ending else self.master

    def vanish(self):
        os.unlink(self.link)
        self.there.clear()
        self.wake()
        wait_until("the printer's thread has let go", lambda: not self.connected.is_set(),
                   PATIENCE, 0.01)
        os.close(self.master)
        self.master = -1

    def end(self):
        self.ending = True
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.link) # a daemon that is still there must not find who gets the number
        self.there.set()
        super().end()
        self.join()
        for fd in (*self.slaves, self.master):
            with contextlib.suppress(OSError):
                os.close(fd)


class TcpPrinter(FakePrinter):
    def __init__(self):
        super().__init__()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "tcp://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.connection = None
        self.start()

    def connect(self):
        try:
            self.connection, _ = self.listener.accept()
        except OSError:
            return None
        return self.connection.fileno()

    def hang_up(self):
        self.wake()
        wait_until("the printer's thread has let go", lambda: not self.connected.is_set(),
                   PATIENCE, 0.01)
        self.connection.close()

    def end(self):
        self.ending = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        super().end()
        self.join()
        if self.connection is not None:
            self.connection.close()


class Control:
    """The control socket itself, without sioctl."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(PATIENCE)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next object, None at the end."""
        while b"\n" not in self.rest:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, **request):
        self.send(json.dumps(request).encode() + b"\n")
        return self.receive()

    def close(self):
        self.socket.close()


class MachineTest(unittest.TestCase):
    """A folder for each test, and everything ended after it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sioproxy-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def daemon(self, **config):
        """A daemon that runs; its log is shown when the test fails."""
        daemon = Daemon(self.folder, **config)
        self.addCleanup(daemon.kill)
        self.addCleanup(self.show_log, daemon)
        return daemon.start()

    def show_log(self, daemon):
        outcome = getattr(self._outcome, "result", None)
        if outcome is not None and any(test is self for test, _ in
                                       outcome.failures + outcome.errors):
            sys.stderr.write(read_text(daemon.log))

    def host(self, daemon, **how):
        host = Host(daemon.link, **how)
        self.addCleanup(host.close)
        return host

    def control(self, daemon):
        control = Control(daemon.socket)
        self.addCleanup(control.close)
        return control

    def pty_printer(self):
        printer = PtyPrinter(self.path("printer-device"))
        self.addCleanup(printer.end)
        return printer

    def tcp_printer(self):
        printer = TcpPrinter()
        self.addCleanup(printer.end)
        return printer
