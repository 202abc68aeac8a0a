#!/usr/bin/env python3
"""
OctoPrint's own virtual printer on a pty: a firmware that none of us has written.

    virtual_printer_pty.py FOLDER LINK EXECUTED WIRE [SETTING=VALUE…]

It is the class of the plugin that every OctoPrint brings along (octoprint.plugins.virtual_printer)
with that plugin's default settings, but for what the command line says (VALUE is YAML). EXECUTED
gets the commands it carries out, a line each, WIRE every byte that reaches it. Commands on
standard input: `debug TEXT` is the class's own `!!DEBUG:TEXT`, `reset` the knob on the printer.

Two things are ours. It reads one line from each write() and no more, so it gets a line at a time.
And its own port raises an exception when a line does not fit into its buffer for ten seconds; here
the sender waits, as on a port with flow control, and only M112 does not.
"""

import os
import select
import sys
import threading
import time
import tty

import yaml

import octoprint.plugin
import octoprint.settings
from octoprint.plugins.virtual_printer import VirtualPrinterPlugin
from octoprint.plugins.virtual_printer.virtual import VirtualPrinter
from serial import SerialTimeoutException

PATIENCE = 0.05  # seconds until what does not fit into its buffer is offered again


class Recorded(VirtualPrinter):
    """The virtual printer, with a list of what it carries out: it looks for such methods."""

    executed = None  # a file

    def _note(self, data):
        self.executed.write("%d %s\n" % (time.monotonic() * 1000, data))

    def _triggerResend(self, *_, **why):
        print("asks for a line", flush=True)
        super()._triggerResend(*_, **why)

    def _gcode_G(self, _, data):
        self._note(data)

    def _gcode_M(self, _, data):
        self._note(data)

    def _gcode_T(self, code, data):
        self._note(data)
        return super()._gcode_T(code, data)


class Machine:
    def __init__(self, folder, words):
        wanted = {key: yaml.safe_load(value) for key, _, value in
                  (word.partition("=") for word in words)}
        octoprint.settings.settings(init=True, basedir=folder)
        octoprint.plugin.plugin_manager(init=True)
        defaults = {**VirtualPrinterPlugin().get_settings_defaults(), **wanted}
        self.settings = octoprint.plugin.plugin_settings("virtual_printer", defaults=defaults)
        self.folder = folder
        self.printer = None
        self.reset()

    def reset(self):
        if self.printer:
            self.printer.close()
        self.printer = Recorded(self.settings, None, self.folder, read_timeout=0.5,
                                write_timeout=PATIENCE)


def send(machine, master):
    """
    What the printer says, line by line. That it refuses a line, asks for it, and the ok behind that
    are one piece, as on a wire: no machine is so busy that they come long after each other.
    """
    said = b""
    while True:
        printer = machine.printer
        try:
            line = printer.readline()
        except AttributeError:  # closed by a reset meanwhile
            continue
        if printer is not machine.printer:
            said = b""
            continue
        if line:
            said += line.rstrip(b"\n") + b"\n"
        if said and not line.startswith((b"Error:", b"Resend:")):
            os.write(master, said)
            said = b""


def receive(machine, master, wire):
    """What is said to it, as much at a time as it takes."""
    pending = b""
    while True:
        if select.select([master], [], [], 0 if pending else None)[0] and len(pending) < 4096:
            arrived = os.read(master, 4096)
            wire.write(arrived)
            pending += arrived
        line = pending[:pending.find(b"\n") + 1] or pending
        try:
            if b"M112" in pending:
                line = pending
            pending = pending[machine.printer.write(line):]
        except SerialTimeoutException:
            pass


def main():
    folder, link, executed, wire = sys.argv[1:5]
    os.makedirs(folder, exist_ok=True)
    Recorded.executed = open(executed, "a", buffering=1, encoding="utf-8")
    machine = Machine(folder, sys.argv[5:])
    master, slave = os.openpty()
    tty.setraw(slave)
    threading.Thread(target=send, args=(machine, master), daemon=True).start()
    threading.Thread(target=receive, args=(machine, master, open(wire, "ab", buffering=0)),
                     daemon=True).start()
    os.symlink(os.ttyname(slave), link)
    for line in sys.stdin:
        word, _, text = line.strip().partition(" ")
        if word == "reset":
            machine.reset()
        elif word == "debug":
            machine.printer._debugTrigger(text)
    os._exit(0)  # its threads know no end


if __name__ == "__main__":
    main()
