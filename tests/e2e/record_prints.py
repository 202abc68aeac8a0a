#!/usr/bin/env python3
"""
Records the prints of tests/recordings anew: a real OctoPrint prints through the daemon, which
records itself from its start. Run by scripts/rerecord.

    record_prints.py FOLDER [NAME…]
"""

import glob
import os
import shutil
import sys
import tempfile

import print_file
from octoprint_host import OctoPrint
from process import Failure, wait_until
from proxy_daemon import Proxy

# The folder stands in the recordings: it is the same each time.
DIRECTORY = os.path.join(tempfile.gettempdir(), "sioproxy-rerecord")

CODES = b"""\
M104 S40
G28
G1 X10 Y10 F6000
M42 Plight S1
G1 X20 Y10 E1
m64 pfan
M62 Pshutter
G1 X20 Y20 E1
M63 Pshutter
M43
M66 Pdoor L0
M66 Pdoor L3 Q1
M226 Pdoor S1
G1 X10 Y20 E1
M42 Pnothing S1
M42 Plight
M42 Pdoor S1
M117 done
M65 Pfan
M42 Plight S0
"""


def plain(octoprint, _):
    """The first layer of a sliced file, which has no code of ours."""
    octoprint.upload("plain.gcode", print_file.content(first_layers=1))
    octoprint.print("plain.gcode")
    octoprint.wait_for_end()


def codes(octoprint, proxy):
    """A print with codes of ours, one that waits for a door, and some that are wrong."""
    octoprint.upload("codes.gcode", CODES)
    octoprint.print("codes.gcode")
    proxy.wait_until_it_waits("door on")
    proxy.do("sim", "door", "on")
    octoprint.wait_for_end()
    octoprint.command("m42 plight s1")
    proxy.wait_for_point("light", "on")


def halt(octoprint, proxy):
    """A print that is paused, resumed and cancelled, and one that ends by M112."""
    data = print_file.content(first_layers=1)
    octoprint.upload("halt.gcode", data)
    octoprint.print("halt.gcode")
    wait_until("it prints", lambda: proxy.status()["print"]["lines"] > 40)
    octoprint.pause()
    octoprint.wait_for_state("Paused")
    octoprint.resume()
    octoprint.wait_for_state("Printing")
    octoprint.cancel()
    octoprint.wait_for_state("Operational")
    octoprint.print("halt.gcode")
    wait_until("it prints", lambda: proxy.status()["print"]["lines"] > 40)
    octoprint.command("M112")
    octoprint.wait_for_disconnect()
    wait_until("the printer is halted", lambda: proxy.status()["printer"]["state"] == "halted")


PRINTS = {print.__name__: print for print in (plain, codes, halt)}


def record(name, target):
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    proxy = Proxy(DIRECTORY, more="record: {dir: rec, size: 10MB}\n")
    octoprint = OctoPrint(os.path.join(DIRECTORY, "octoprint"), proxy.link)
    try:
        proxy.start()
        octoprint.start()
        octoprint.connect()
        PRINTS[name](octoprint, proxy)
        if octoprint.state().startswith("Operational"):
            octoprint.disconnect()
        octoprint.stop()
        proxy.stop()
        files = glob.glob(os.path.join(DIRECTORY, "rec", "*.rec"))
        if len(files) != 1:
            raise Failure("expected one recording, there are %s" % files)
        shutil.copyfile(files[0], os.path.join(target, name + ".rec"))
    except BaseException:
        print(proxy.tails() + octoprint.tails(), file=sys.stderr)
        raise
    finally:
        octoprint.kill()
        proxy.kill()
        shutil.rmtree(DIRECTORY, ignore_errors=True)


def main(target, *names):
    for name in names or PRINTS:
        if name not in PRINTS:
            raise SystemExit("there is no print %s: %s" % (name, " ".join(PRINTS)))
        print("recording %s: %s" % (name, PRINTS[name].__doc__), flush=True)
        record(name, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
