#!/usr/bin/env python3
"""
A real OctoPrint prints the same file to a printer on a pty, alone and through the proxy, in turns.

Run by bench.py with the Python that has OctoPrint; prints what it found as JSON: lines a second,
and the gaps between the lines of the file as they come to the printer.
"""

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import tty

import paths
from octoprint_host import OctoPrint
from process import BUILD, read_text, wait_until

LINES = 10000
TURNS = 3


def print_file():
    """Moves that OctoPrint sends as they are; the first and the last one are known by their Z."""
    lines = ["G1 Z1.5"]
    for i in range(LINES):
        lines.append("G1 X%d.%03d Y%d.%03d E.0%04d" % (60 + i % 97, i * 37 % 1000, 40 + i % 83,
                                                      i * 59 % 1000, i % 10000))
    return "\n".join(lines + ["G1 Z2.5", ""]).encode()


class Printer:
    """The printer's end of a pty, played by bench_wire, which writes down when lines come."""

    def __init__(self, folder, descriptor):
        self.log = os.path.join(folder, "printer.log")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "bench_wire"), "printer", str(descriptor), self.log],
            pass_fds=[descriptor])

    def since(self, mark):
        """The time in seconds of each line of the print that began after so many lines."""
        times = []
        printing = False
        for line in read_text(self.log).splitlines()[mark:]:
            at, _, text = line.partition(" ")
            printing = printing or "G1 Z1.5" in text
            if printing and " G1 " in text:
                times.append(int(at) / 1e9)
            if "G1 Z2.5" in text:
                break
        return times

    def lines(self):
        return len(read_text(self.log).splitlines())

    def stop(self):
        self.process.kill()
        self.process.wait()


def print_once(octoprint, port, printer):
    octoprint.connect(port)
    mark = printer.lines()
    octoprint.print("bench.gcode")
    octoprint.wait_for_end()
    times = printer.since(mark)
    octoprint.disconnect()
    return times


def share(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def figures(prints):
    gaps = [1000 * (later - earlier) for times in prints
            for earlier, later in zip(times, times[1:])]
    rates = [(len(times) - 1) / (times[-1] - times[0]) for times in prints]
    return {"rate": statistics.median(rates), "p50": share(gaps, 0.5), "p99": share(gaps, 0.99),
            "max": max(gaps)}


def main():
    folder = tempfile.mkdtemp(dir=sys.argv[1])
    proxy = paths.Proxy(folder, rules=1000)
    os.close(proxy.host)
    proxy.host = os.open(os.devnull, os.O_RDONLY)
    master, slave = pty.openpty()
    tty.setraw(slave)
    link = os.path.join(folder, "printer-alone")
    os.symlink(os.ttyname(slave), link)
    printers = {"direct": Printer(tempfile.mkdtemp(dir=folder), master),
                "sioproxy": Printer(tempfile.mkdtemp(dir=folder), proxy.printer)}
    ports = {"direct": link, "sioproxy": proxy.link}
    octoprint = OctoPrint(os.path.join(folder, "octoprint"), os.path.join(folder, "printer*"))
    prints = {"direct": [], "sioproxy": []}
    try:
        octoprint.start()
        octoprint.upload("bench.gcode", print_file())
        for _ in range(TURNS):
            for name, printer in printers.items():
                wait_until("the port is there", lambda: os.path.exists(ports[name]))
                prints[name].append(print_once(octoprint, ports[name], printer))
    except BaseException:
        sys.stderr.write(octoprint.tails())
        raise
    finally:
        octoprint.stop()
        proxy.stop()
        for printer in printers.values():
            printer.stop()
    json.dump({"lines": LINES + 2, **{name: figures(times) for name, times in prints.items()}},
              sys.stdout)


if __name__ == "__main__":
    main()
