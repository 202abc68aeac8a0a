"""The simulated printer's port behaves as a port: it outlives its clients, unplugs and resets."""
import os
import select
import subprocess
import sys
import tempfile
import time

program = sys.argv[1]
folder = tempfile.mkdtemp()
link, log, wire = (os.path.join(folder, name) for name in ("port", "log", "wire"))
sim = subprocess.Popen([program, "--wire", wire, "--speed", "50", "--boot", "100", link, log],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def told(line):
    found = sim.stdout.readline().strip()
    assert found == line, f"{found!r} instead of {line!r}"


def tell(word):
    sim.stdin.write(word + "\n")
    sim.stdin.flush()
    told("done " + word)


def read_until(port, end):
    """What the port says up to `end`, at most a minute."""
    heard = b""
    limit = time.monotonic() + 60
    while end not in heard:
        rest = limit - time.monotonic()
        assert rest > 0 and select.select([port], [], [], rest)[0], f"{end!r} not in {heard!r}"
        heard += os.read(port, 4096)
    return heard


def open_port():
    return os.open(link, os.O_RDWR | os.O_NOCTTY)


def ask(port, line):
    os.write(port, line)
    return read_until(port, b"ok\n")


told("ready " + link)
port = open_port()
assert ask(port, b"G90\n") == b"ok\n", "neither echo nor CR"
os.write(port, b"M106 S1\n")
os.close(port)  # what was written just before is read, and its ok is there for the next
port = open_port()
assert read_until(port, b"ok\n") == b"ok\n"
for number in range(50):
    os.close(port)
    port = open_port()
    assert ask(port, b"M106 S%d\n" % number) == b"ok\n"

tell("unplug")
assert not os.path.lexists(link)
assert select.select([port], [], [], 60)[0]
try:
    assert os.read(port, 100) == b""
except OSError:
    pass
os.close(port)
tell("plug")
port = open_port()
assert ask(port, b"G28\n").endswith(b"ok\n")

os.write(port, b"M112\n")
read_until(port, b"//action:poweroff\n")
told("printer halted")
tell("reset")
told("printer booting")
assert read_until(port, b"SD card ok\n").startswith(b"start\n")
told("printer up")
assert ask(port, b"G91\n") == b"ok\n"

tell("quit")
assert sim.wait(60) == 0
assert not os.path.lexists(link)
executed = [line.split(" ", 1)[1] for line in open(log).read().splitlines()]
assert executed == (["G90", "M106 S1"] + ["M106 S%d" % number for number in range(50)] +
                    ["G28", "G91"]), executed
assert open(wire, "rb").read().startswith(b"G90\nM106 S1\n")
