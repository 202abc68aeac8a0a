"""
What a print file means for the printer and for the board, and whether that is what happened.

Knows the comment and blank rules of OctoPrint (comm.py process_gcode_line) and the names of our
points; knows nothing of wires.
"""

import os
import re

from process import Failure

POINTS = ("light", "shutter", "fan", "door")
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "post.gcode")

CUSTOM = re.compile(r"M(42|43|62|63|64|65|66|226)\s+P(%s)\b" % "|".join(POINTS), re.IGNORECASE)

# What OctoPrint sends besides the file at any time: polls, greetings, its keep-alive.
CHATTER = re.compile(r"(M105( S\d+)?|M110( N\d+)?|M115|M155 S\d+|M113 S\d+|M20( L)?( T)?|M21"
                     r"|M27( S\d+)?|M876 P1)$")


def content(first_layers=None):
    """
    The print file as bytes; with first_layers, only that many of its layers and its end.
    """
    with open(FILE, "rb") as file:
        lines = file.read().splitlines(keepends=True)
    if first_layers is None:
        return b"".join(lines)
    layers = [i for i, line in enumerate(lines) if line.startswith(b";LAYER_CHANGE")]
    end = next(i for i, line in enumerate(lines) if line.startswith(b"M107") and i > layers[-1])
    return b"".join(lines[:layers[first_layers]] + lines[end:])


# What takes its time in real time before the first move: homing and heat.
PREPARATION = re.compile(rb"(G28|M109)\b")

# A step of a walk: 0.01 mm at 0.1 mm/s, so that no acceleration counts.
STEP_SECONDS = 0.1


def cold(first_layers):
    """content(), without what takes its time before the first move."""
    return b"".join(line for line in content(first_layers).splitlines(keepends=True)
                    if not PREPARATION.match(line))


# So many steps are more than the printer plans ahead.
STEPS_AHEAD = 20


def walk(seconds, speed=1):
    """
    Steps of a print that take so long by a printer of that speed (sim_printer_pty --speed), as
    lines.
    """
    return [b"G1 X60 F24000\n"] + [b"G1 X%.2f E.001 F%.1f\n" % (60 + i / 100, 6 / speed)
                                   for i in range(1, 1 + int(seconds / STEP_SECONDS))]


def walking(seconds, first_layers=2, speed=1):
    """
    A print file that is at once at its first layer, prints some, then walks on in small steps for
    so long, and ends. Soon after the walk has begun the light goes on.

    Whoever waits for the light has those seconds to act in mid-print, however quick the machine
    is; and OctoPrint, which overlooks an ok that comes within a millisecond of M400, waits for
    the steps that are planned. HURRY in the terminal shortens what is left of them to a tenth.
    """
    lines = cold(first_layers).splitlines(keepends=True)
    end = next(i for i, line in reversed(list(enumerate(lines))) if line.startswith(b"M107"))
    steps = walk(seconds, speed)
    steps.insert(min(STEPS_AHEAD, len(steps)), b"M42 Plight S1\n")
    return b"".join(lines[:end] + steps + lines[end:])


HURRY = "M220 S1000"  # per cent


def commands(data):
    """The lines of a file that OctoPrint sends, in order."""
    result = []
    for line in data.decode().splitlines():
        line = line.partition(";")[0].strip()
        if line:
            result.append(line)
    return result


def is_custom(command):
    return CUSTOM.match(command) is not None


def for_the_printer(data):
    """The commands of a file that the printer must see, and none but them."""
    return [command for command in commands(data) if not is_custom(command)]


def waits_for_motion(data):
    """How many commands for the printer come before each custom command that waits for motion."""
    result, before = [], 0
    for command in commands(data):
        if not is_custom(command):
            before += 1
        elif re.match(r"M6[23]\b", command):
            result.append(before)
    return result


def changes_of_outputs(data):
    """
    What the file does to outputs that are all off before it: (name, state, how many commands for
    the printer come before, the command), only where the state changes.
    """
    state = {name: "off" for name in POINTS}
    result, before = [], 0
    for command in commands(data):
        match = CUSTOM.match(command)
        if not match:
            before += 1
            continue
        code, name = match.group(1), match.group(2).lower()
        if code == "42":
            wanted = "off" if re.search(r"S0\b", command) else "on"
        elif code in ("62", "64"):
            wanted = "on"
        elif code in ("63", "65"):
            wanted = "off"
        else:
            continue
        if state[name] != wanted:
            state[name] = wanted
            result.append((name, wanted, before, command))
    return result


def bare(line):
    """A line without number and checksum."""
    return re.sub(r"^N-?\d+\s*(.*?)\s*(\*\d+)?$", r"\1", line.strip())


def check_executed(executed, expected, extras=r"(?!)"):
    """
    Fails unless the printer executed every expected command once and in order, and besides them
    only chatter and what extras matches. Returns the extras as (command, how many of the
    expected were executed before).
    """
    done, found = 0, []
    for number, line in enumerate(executed):
        command = bare(line)
        if done < len(expected) and command == expected[done]:
            done += 1
        elif re.fullmatch(extras, command):
            found.append((command, done))
        elif not CHATTER.match(command):
            raise Failure("the printer's line %d is %r after %d lines of the file; next is %r"
                          % (number, command, done,
                             expected[done] if done < len(expected) else "the end"))
    if done < len(expected):
        raise Failure("the printer executed %d of %d lines; next would have been %r"
                      % (done, len(expected), expected[done]))
    return found


def lines_before(data, code):
    """How many commands for the printer come before the first custom command of a code."""
    before = 0
    for command in commands(data):
        if is_custom(command):
            if command.startswith(code):
                return before
        else:
            before += 1
    raise Failure("no %s in the file" % code)


def check_cancelled(executed, expected, least, most):
    """
    Fails unless the printer executed the first of the expected commands, at least and at most
    so many of them, and then no more of the file. Returns the rest but for chatter.
    """
    done, rest = 0, []
    for line in executed:
        command = bare(line)
        if not rest and done < most and command == expected[done]:
            done += 1
        elif not CHATTER.match(command) and command != "M400":
            rest.append(command)
    if done < least:
        raise Failure("the printer executed %d of %d lines, then %r" % (done, least, rest[:5]))
    return rest


# What must never stand in OctoPrint's serial log unless a test asked for it.
TROUBLE = re.compile(r"Recv: *(error|!!|fatal|resend|rs\b)|unknown command|communication timeout"
                     r"|no response from printer|timeout while|too many consecutive"
                     r"|got an|unexpected|external reset|echo:sioproxy (error|warning)",
                     re.IGNORECASE)


def check_serial_log(lines, allowed=r"(?!)"):
    """Fails if OctoPrint's serial log tells of any trouble other than what allowed matches."""
    for direction, text in lines:
        whole = "%s: %s" % (direction, text) if direction else text
        if TROUBLE.search(whole) and not re.search(allowed, whole):
            raise Failure("OctoPrint's serial log says: %s" % whole)
