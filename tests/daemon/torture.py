"""
What a daemon is tortured with: simulated machines on ptys that are unplugged and plugged, a host
that prints on and keeps account of every line and every ok, floods and garbage.

SIOPROXY_MOMENTS in the environment is how often what vanishes vanishes, SIOPROXY_SEED is which
moments these are, SIOPROXY_RECORD a folder for recordings of all that happens.
"""

import contextlib
import os
import random
import select
import subprocess
import sys
import threading
import time

from machine import BUILD, PATIENCE, Control, Daemon, Failure, Host, read_text, wait_until
from process import die_with_parent, tail

MOMENTS = int(os.environ.get("SIOPROXY_MOMENTS", "8"))
MANY = 100              # moments from which on a test may take minutes
SEED = int(os.environ.get("SIOPROXY_SEED", "1"))
RECORD = os.environ.get("SIOPROXY_RECORD", "")
LIGHT = 12              # io of the light
STALL = 25              # seconds without an ok in which every fault must be over
HEARD_KEPT = 40         # lines of the transcript that a failure shows
WINDOWS = (8, 1, 4, 2)  # lines that a host has unanswered at most
OURS = (b"M105", b"M110", b"M115", b"M155") # what the daemon sends too: not counted
SANITIZED_GROWTH = 48 << 20 # the sanitizer keeps what is freed for a while
GROWTH = 2 << 20


def numbered(number, line):
    line = b"N%d %s" % (number, line)
    checksum = 0
    for byte in line:
        checksum ^= byte
    return b"%s*%d" % (line, checksum)


def sanitized():
    with open(os.path.join(BUILD, "sioproxy"), "rb") as file:
        return b"__asan_init" in file.read()


def growth():
    """Bytes that a daemon may have more than before."""
    return SANITIZED_GROWTH if sanitized() else GROWTH


def resident(pid):
    """Bytes of memory that the process has."""
    for line in read_text(f"/proc/{pid}/status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise Failure(f"process {pid} is gone")


class Peer:
    """A simulated machine behind a link: `sim_printer_pty` or `sim_board_pty`."""

    def __init__(self, program, link, log, *options):
        self.link = link
        self.log = log
        self.command = [os.path.join(BUILD, program), *options, link, log]
        self.process = None
        self.kept = []
        self.begin()

    def begin(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_until(self.link, lambda: os.path.islink(self.link), PATIENCE, 0.01)

    def tell(self, word):
        self.process.stdin.write(word.encode() + b"\n")
        self.process.stdin.flush()

    def kill(self):
        """At once. Its pty is kept open to the end: nobody else shall get one of that name."""
        self.kept.append(os.open(self.link, os.O_RDWR | os.O_NOCTTY))
        os.unlink(self.link)
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()

    def end(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.link) # whoever gets the pty's number next is not found by it
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        while self.kept:
            os.close(self.kept.pop())

    def executed(self):
        """The commands that the printer has carried out, without those that the daemon asks."""
        lines = [line.split(" ", 1)[1].strip().encode()
                 for line in read_text(self.log).splitlines() if " " in line]
        return [line for line in lines if not line.startswith(OURS)]

    def pin(self, io):
        """The level that the board last gave the pin; at boot it is low."""
        level = 0
        for line in read_text(self.log).splitlines():
            words = line.split()
            if words[1:3] == ["pin", str(io)]:
                level = int(words[3])
        return level


class PrintingHost:
    """
    Prints without an end, numbered, with at most `window` lines unanswered. Every line has exactly
    one ok; on a clean wire there is nothing else that it may hear and that needs an answer.
    """

    def __init__(self, host, random, window, light=False):
        self.host = host
        self.random = random
        self.window = window
        self.light = light
        self.number = 0
        self.counter = 0
        self.unanswered = []
        self.perhaps = 0        # oks that may come or not, after a reset
        self.sent = []
        self.partial = b""
        self.heard = []
        self.last_ok = time.monotonic()
        self.longest_stall = 0.0
        self.refused = False
        self.wanted = None      # level that the light was last told, None: told in vain
        self.hush = False       # leave the light alone
        self.bad = [b"Resend", b"//action:cancel", b"start", b"Error"]
        self.events = []        # those of self.bad that are expected

    def send(self, line):
        self.counter += 1
        self.host.write(numbered(self.number, line) + b"\n")
        self.number += 1
        self.unanswered.append(line)
        if not line.startswith(OURS) and not line.startswith(b"M42"):
            self.sent.append(line)

    def begin_job(self):
        self.number = 0
        self.send(b"M110 N0")

    def leave_job(self):
        """As OctoPrint does: between jobs it does not number."""
        self.finish()
        self.perhaps = 0
        self.host.write(b"M105\n")
        self.unanswered.append(b"M105")
        self.finish()

    def next_line(self):
        """A print in small: motion mostly, and every kind of line that waits or is asked."""
        choice = self.random.randrange(40)
        if self.light and choice < 4 and not self.hush:
            return b"M42 Plight S%d" % (choice % 2)
        if choice < 10:
            return [b"M105", b"M114", b"M400", b"G4 P20", b"M106 S%d" % (self.counter % 256),
                    b"M117 layer %d" % self.counter, b"G28", b"M105", b"M190 S30",
                    b"M104 S0"][choice]
        return b"G1 X%d Y%d E%d.5 F3000" % (self.counter % 200, self.counter // 200 % 200,
                                            self.counter)

    def print_on(self, wait=0.01):
        """Sends what may be sent, and hears what comes within so long."""
        while len(self.unanswered) < self.window:
            self.send(self.next_line())
        self.hear(wait)

    def hear(self, wait=0.01):
        if select.select([self.host.fd], [], [], wait)[0]:
            self.partial += self.host.read()
            self.host.heard = b""
            *lines, self.partial = self.partial.split(b"\n")
            for line in lines:
                self.take(line.rstrip(b"\r"))
        silence = time.monotonic() - self.last_ok
        self.longest_stall = max(self.longest_stall, silence if self.unanswered else 0.0)
        if self.unanswered and silence > STALL:
            self.fail("no ok for %g s, owed for %r" % (STALL, self.unanswered))

    def take(self, line):
        self.heard = self.heard[1 - HEARD_KEPT:] + [line]
        if line.startswith(b"ok"):
            self.last_ok = time.monotonic()
            if self.unanswered:
                self.answered(self.unanswered.pop(0))
            elif self.perhaps > 0:
                self.perhaps -= 1
            else:
                self.fail("an ok too many")
        elif line.startswith(b"echo:sioproxy error"):
            self.refused = True
        elif any(line.startswith(word) for word in self.bad):
            self.fail(f"heard {line!r}")
        elif line.startswith((b"start", b"//action:cancel")):
            self.events.append(line)
            if line == b"start": # owed are only lines that were still on their way
                self.perhaps = len(self.unanswered)
                self.unanswered.clear()

    def answered(self, line):
        if line.startswith(b"M42"):
            self.wanted = None if self.refused else int(line[-1:])
        self.refused = False

    def finish(self):
        """Hears the last oks, and that there are no more of them."""
        while self.unanswered:
            self.hear(0.05)
        self.hear(0.3)

    def fail(self, what):
        raise Failure("the host: %s; the last that it heard:\n%s" %
                      (what, "\n".join(repr(line) for line in self.heard)))


def keep(test, begin, *arguments):
    """A thing that is ended after the test."""
    thing = begin(*arguments)
    test.addCleanup(thing.end)
    return thing


class Rig:
    """A daemon with a printer, a board and a host that prints."""

    def __init__(self, test, number, seed, board=True, record=RECORD):
        """record: a folder for recordings, if any."""
        self.folder = test.path("rig%d" % number)
        os.mkdir(self.folder)
        self.random = random.Random(seed * 1000 + number)
        self.printer = keep(test, Peer, "sim_printer_pty", self.path("device"),
                            self.path("printer.log"), "--speed", "100", "--boot", "100",
                            "--wire", self.path("wire"))
        self.board = keep(test, Peer, "sim_board_pty", self.path("board"),
                          self.path("board.log")) if board else None
        if record:
            record = f"record: {{dir: {record}/rig{number}, size: 200MB}}\n"
        self.daemon = Daemon(self.folder, printer=self.printer.link,
                             board=self.board.link if board else "none",
                             extra=record)
        test.addCleanup(self.daemon.kill)
        self.daemon.start()
        if board:
            self.daemon.wait_for("board", "online")
        self.daemon.wait_for_printer()
        self.control = Control(self.daemon.socket)
        test.addCleanup(self.control.close)
        self.host = Host(self.daemon.link)
        test.addCleanup(self.host.close)
        self.print = PrintingHost(self.host, self.random, WINDOWS[number % len(WINDOWS)], board)
        self.print.begin_job()
        self.moments = 0
        self.resident = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def state(self, part):
        return self.control.ask(command="status")["status"][part]["state"]

    def print_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.print.print_on()

    def print_until(self, what, condition, timeout):
        """The print goes on meanwhile."""
        end = time.monotonic() + timeout
        asked = 0.0
        while True:
            self.print.print_on()
            if time.monotonic() > asked + 0.1:
                asked = time.monotonic()
                if condition():
                    return
            if asked > end:
                self.print.fail(f"waited {timeout} s in vain: {what}")

    def until_printing(self):
        """Until a line has been answered that was sent from now on."""
        begin = self.print.counter
        self.print_until("the print goes on",
                         lambda: self.print.counter > begin + self.print.window + 1, 2 * PATIENCE)

    def pull_printer(self):
        """Pulled for a moment or for longer, and sometimes again before anything was settled."""
        self.printer.tell("unplug")
        self.print_for(self.random.choice((0, 0.02, self.random.uniform(0, 1.5))))
        self.printer.tell("plug")
        if self.random.randrange(4) > 0:
            self.until_printing()

    def pull_board(self):
        self.board.tell("unplug")
        self.print_for(self.random.choice((0, 0.02, self.random.uniform(0, 1.5))))
        opened = read_text(self.board.log).count(" open\n")
        self.board.tell("plug")
        self.print.hush = True
        self.print_until("the board is opened again", lambda:
                         read_text(self.board.log).count(" open\n") > opened, PATIENCE)
        self.print_until("the board is back", lambda: self.state("board") == "online", PATIENCE)
        self.print_until("the light is as it was wanted", lambda: self.print.wanted is None or
                         self.board.pin(LIGHT) == self.print.wanted, PATIENCE)
        self.print.hush = False

    def torture(self, printer, board):
        """So many moments of either kind."""
        kinds = [self.pull_printer] * printer + [self.pull_board] * board
        self.random.shuffle(kinds)
        try:
            for kind in kinds:
                self.print_for(self.random.uniform(0, 0.5))
                kind()
                self.moments += 1
                if self.moments == 2: # whatever is taken once has been taken
                    self.resident = resident(self.daemon.pid)
            self.until_printing()
            self.print.finish()
        except Exception:
            sys.stderr.write(tail(self.daemon.log, 100))
            raise

    def account(self, test):
        """Every command exactly once and in order."""
        wait_until("all is carried out", lambda: len(self.printer.executed()) >=
                   len(self.print.sent), PATIENCE, 0.1)
        test.assertEqual(self.printer.executed(), self.print.sent)
        size = resident(self.daemon.pid)
        if self.resident:
            test.assertLess(size - self.resident, growth())
        counters = self.daemon.status()["counters"]
        sys.stderr.write("  %d moments, %d lines, window %d, longest wait %.1f s, resends %d, "
                         "lost oks %d, RSS %d -> %d KiB\n" %
                         (self.moments, len(self.print.sent), self.print.window,
                          self.print.longest_stall, counters["resends"], counters["lost_oks"],
                          self.resident // 1024, size // 1024))
        test.assertEqual(self.daemon.stop(), 0)


class Flood(threading.Thread):
    """Writes bytes as fast as they are taken; ends early when the other end has gone."""

    def __init__(self, fd, chunks, voice=None):
        """voice: a lock, held from the first byte to the last."""
        super().__init__(daemon=True)
        self.fd = fd
        self.chunks = chunks
        self.voice = voice if voice is not None else threading.Lock()
        self.written = 0
        self.ending = False
        self.start()

    def run(self):
        with self.voice:
            try:
                for chunk in self.chunks:
                    self.write(memoryview(chunk))
            except OSError:
                pass

    def write(self, rest):
        while rest and not self.ending:
            if not select.select([], [self.fd], [], 0.5)[1]:
                continue
            try:
                done = os.write(self.fd, rest[:4096])
            except BlockingIOError:
                continue
            self.written += done
            rest = rest[done:]

    def end(self):
        self.ending = True
        self.join(10)


def long_line(megabytes):
    """So much of one line, without its end."""
    return (b"x" * (1 << 20) for _ in range(megabytes))


def garbage(random, length, words):
    """Bytes of every kind: noise, and words of the wire in wrong places, some of them damaged."""
    rest = length
    while rest > 0:
        kind = random.randrange(4)
        if kind == 0:
            chunk = random.randbytes(random.randrange(1, 400))
        elif kind == 1:
            chunk = bytes([random.randrange(256)]) * random.randrange(1, 3000)
        else:
            chunk = bytearray(b" ".join(random.choice(words)
                                        for _ in range(random.randrange(1, 6))))
            if kind == 2:
                chunk[random.randrange(len(chunk))] ^= 1 << random.randrange(8)
            chunk += random.choice((b"\n", b"\r\n", b"", b"\0\n"))
        rest -= len(chunk)
        yield bytes(chunk)
