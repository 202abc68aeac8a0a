"""
A scenario: one OctoPrint, one proxy and one printer, and tests that use them one after another.

The tests of a class run in the order they are written in, since each goes on from where the one
before left the machine; after the first that fails the others would say nothing new.
"""

import os
import shutil
import sys
import tempfile
import unittest

from octoprint_host import OctoPrint
from proxy_daemon import Proxy, PtyBoard, PtyPrinter


class Scenario(unittest.TestCase):
    PRINTER_ON_PTY = False  # else the daemon's own simulated printer
    PRINTER = PtyPrinter    # which one, then
    PRINTER_OPTIONS = ()    # of the one on a pty
    BOARD_ON_PTY = False    # else the daemon's own simulated board
    VALGRIND = False
    SCRIPTS = {}  # OctoPrint's GCODE scripts, by their names
    POINTS = ""  # lines that the config gets besides: points
    MORE = ""    # and others

    @classmethod
    def setUpClass(cls):
        cls.parts = []
        cls.directory = tempfile.mkdtemp(prefix="sioproxy-e2e-")
        try:
            cls.begin()
        except BaseException:
            cls.show_logs()
            cls.clear()
            raise

    @classmethod
    def begin(cls):
        """Starts the printer, the proxy and OctoPrint; a scenario that needs more extends it."""
        cls.printer = None
        cls.board = None
        port = board = "simulated"
        if cls.PRINTER_ON_PTY:
            cls.printer = cls.PRINTER(cls.directory, cls.PRINTER_OPTIONS)
            cls.parts.append(cls.printer)
            cls.printer.start()
            port = cls.printer.link
        if cls.BOARD_ON_PTY:
            cls.board = PtyBoard(cls.directory)
            cls.parts.append(cls.board)
            cls.board.start()
            board = cls.board.link
        cls.proxy = Proxy(cls.directory, port, cls.VALGRIND, board, cls.POINTS, cls.MORE)
        cls.parts.append(cls.proxy)
        cls.prepare()
        cls.proxy.start()
        cls.octoprint = OctoPrint(os.path.join(cls.directory, "octoprint"), cls.proxy.link,
                                  cls.SCRIPTS)
        cls.parts.append(cls.octoprint)
        cls.octoprint.start()

    @classmethod
    def prepare(cls):
        """For a scenario to extend: what is to be done before the proxy starts."""

    @classmethod
    def write(cls, name, content):
        """Writes a file beside the config."""
        with open(os.path.join(cls.directory, name), "w", encoding="utf-8") as file:
            file.write(content)

    @classmethod
    def tearDownClass(cls):
        cls.clear()

    @classmethod
    def clear(cls):
        # The daemon before the machines: it looks for a port that is gone, and another test's may
        # have got its number.
        for part in reversed(cls.parts):
            part.kill()
        if os.environ.get("SIOPROXY_E2E_KEEP"):
            print("kept: " + cls.directory, file=sys.stderr)
        else:
            shutil.rmtree(cls.directory, ignore_errors=True)

    @classmethod
    def show_logs(cls):
        for part in cls.parts:
            print(part.tails(), file=sys.stderr)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            self.show_logs()
        return result

    def path(self, name):
        return os.path.join(self.directory, name)


def run(*scenarios):
    """Runs scenarios and exits: 0 when all is well."""
    suite = unittest.TestSuite()
    for scenario in scenarios:
        names = [name for name in vars(scenario) if name.startswith("test_")]
        suite.addTests(scenario(name) for name in names)
    result = unittest.TextTestRunner(verbosity=2, failfast=True).run(suite)
    sys.exit(0 if result.wasSuccessful() else 1)
