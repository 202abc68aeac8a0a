"""
Starting, watching and ending the programs of a test.

Knows nothing of printing. Every wait has an end and says what it waited for.
"""

import ctypes
import os
import signal
import subprocess
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SIOPROXY_BUILD", os.path.join(ROOT, "build"))
TAIL_LINES = 40
LONG = 600  # seconds until the end of a print is waited for in vain
PATIENCE = 120 # seconds until a wait is in vain: the machine may be slow or busy with others


class Failure(AssertionError):
    """What a test says when the world is not as it should be."""


def wait_until(what, condition, timeout=PATIENCE, interval=0.05, alive=()):
    """
    Calls condition() until it returns something true and returns that; fails after timeout
    seconds, or at once when one of the programs in alive has ended.
    """
    end = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        for program in alive:
            program.check_alive()
        if time.monotonic() > end:
            raise Failure("waited %g s in vain: %s" % (timeout, what))
        time.sleep(interval)


def read_text(path):
    """The text of a file; empty if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def tail(path, lines=TAIL_LINES):
    """The last lines of a file, under its name."""
    return "--- %s\n%s\n" % (path, "\n".join(read_text(path).splitlines()[-lines:]))


_prctl = ctypes.CDLL(None).prctl # found here: in a child of many threads a lock might be held


def die_with_parent():
    """In a child before exec: it is killed when the test dies, however it dies."""
    PR_SET_PDEATHSIG = 1
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Program:
    """A program in the background whose output goes to a file."""

    def __init__(self, name, command, log, environment=None, listens=False):
        """listens: it takes commands on its standard input, by tell()."""
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE if listens else subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=environment, start_new_session=True,
                preexec_fn=die_with_parent)

    def tell(self, command):
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def check_alive(self):
        status = self.process.poll()
        if status is not None:
            raise Failure("%s ended with status %d\n%s" % (self.name, status, tail(self.log)))

    def stop(self, timeout=PATIENCE):
        """Ends it by SIGTERM, by SIGKILL if it does not listen, and returns its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure("%s did not end within %g s of SIGTERM\n%s"
                          % (self.name, timeout, tail(self.log))) from None

    def kill(self):
        """Ends it and what it started, whatever state it is in."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()


class Background:
    """Does work() beside the test; finish() waits for its end and tells what went wrong in it."""

    def __init__(self, what, work):
        self.what = what
        self.work = work
        self.trouble = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.work()
        except Exception as error:  # told in the test's own thread
            self.trouble = error

    def finish(self, timeout=PATIENCE):
        self.thread.join(timeout)
        if self.trouble:
            raise self.trouble
        if self.thread.is_alive():
            raise Failure("still not done: " + self.what)
