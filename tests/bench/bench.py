#!/usr/bin/env python3
"""
The figures: what the proxy costs, side by side with socat and with a pty alone.

Nothing here passes or fails: a busy machine makes every figure of its own. Ratios hold better,
since those that are compared take turns.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import paths
from figures import Figures
from process import BUILD, PATIENCE, ROOT, Failure, Program, read_text, wait_until

RULES = 1000
IDLE_SECONDS = 15
WATCHERS = 64
STOPS = 200


def tell(text):
    print("bench: " + text, file=sys.stderr, flush=True)


def wire(*words, ways):
    """Runs bench_wire with the descriptors of these ways; what it found."""
    descriptors = [fd for way in ways for fd in (way.host, way.printer)]
    command = [os.path.join(BUILD, "bench_wire"), *map(str, words)]
    command += ["%s:%d:%d" % (way.name, way.host, way.printer) for way in ways]
    result = subprocess.run(command, pass_fds=descriptors, stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def proc(pid, name):
    return read_text("/proc/%d/%s" % (pid, name))


def status_number(pid, name):
    for line in proc(pid, "status").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise Failure("no %s in /proc/%d/status" % (name, pid))


def cpu_seconds(pid):
    return int(proc(pid, "schedstat").split()[0]) / 1e9


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.figures = Figures()
        self.started = []
        self.direct = self.start(paths.Direct)
        self.socat = self.start(paths.Socat)
        self.proxy = self.start(paths.Proxy, rules=RULES)

    def start(self, kind, **arguments):
        folder = tempfile.mkdtemp(dir=self.folder)
        way = kind(folder, **arguments)
        self.started.append(way)
        return way

    def stop(self):
        for way in self.started:
            way.stop()

    def ways(self):
        return [self.direct, self.socat, self.proxy]

    # -- the wire

    def round_trips(self):
        tell("round trips")
        found = wire("rtt", 250, 100, ways=self.ways())
        self.figures.section("round trip host, printer, host (%d each, %d rules); "
                             "ratios: the median of 100 rounds"
                             % (found["sioproxy"]["count"], RULES))
        for key, name, goal in (("p50", "p50", 0.9), ("p99", "p99", 1.0), ("p999", "p99.9", None)):
            pairs = zip(found["sioproxy"].get(key + "s", []), found["socat"].get(key + "s", []))
            ratios = [ours / other for ours, other in pairs]
            self.figures.add(name, "us", goal_ratio=goal,
                             ratio=statistics.median(ratios) if ratios else None,
                             **{way: found[way][key] for way in found})

    def flow(self):
        self.figures.section("lines a second, sustained")
        for window in (1, 8):
            tell("lines a second, window %d" % window)
            found = wire("flow", window, 400, 8, ways=self.ways())
            self.figures.add("window %d" % window, "lines/s",
                             **{way: statistics.median(rates) for way, rates in found.items()})

    def halt(self):
        tell("M112 in full flow")
        words = (500, 8)
        ours = wire("halt", *words, self.proxy.socket, WATCHERS, "M20001", 20, ways=[self.proxy])
        other = wire("halt", *words, self.proxy.socket, 0, "M20001", 0, ways=[self.socat])
        self.figures.section("M112 in at the host's port, out at the printer's, in full flow, "
                             "%d clients watch" % WATCHERS)
        self.figures.add("p50", "us", sioproxy=ours["p50"], socat=other["p50"])
        self.figures.add("p99", "us", goal=200, sioproxy=ours["p99"],
                         socat=other["p99"])

    def stop_button(self):
        tell("the stop button, %d times in each of five" % STOPS)
        way = self.start(paths.Stop, rules=RULES)
        descriptors = (way.host, way.printer, way.board)
        result = subprocess.run(
            [os.path.join(BUILD, "bench_stop"), *map(str, descriptors), way.socket, str(STOPS)],
            pass_fds=descriptors, stdout=subprocess.PIPE, check=True)
        found = json.loads(result.stdout)
        self.figures.section("the board's report of the button in, M112 out at the printer's port "
                             "(debounce: 0, %d each)" % STOPS)
        for name, words in (("idle", "idle"), ("print", "a print"), ("burst", "ten outputs switch"),
                            ("upload", "an upload (M28)"), ("full", "the printer's port was full")):
            goal = None if name == "full" else 200
            self.figures.add(words + ", p50", "us", sioproxy=found[name]["p50"])
            self.figures.add(words + ", p99", "us", goal=goal, sioproxy=found[name]["p99"])

    def cpu_share(self):
        self.figures.section("a print of 1000 lines a second")
        shares = {}
        for way in (self.socat, self.proxy):
            tell("CPU of %s at 1000 lines a second" % way.name)
            before = cpu_seconds(way.pid)
            seconds = wire("pace", 1000, 5000, ways=[way])["seconds"]
            shares[way.name] = 100 * (cpu_seconds(way.pid) - before) / seconds
        self.figures.add("CPU share", "%", **shares)

    # -- the core

    def core(self):
        tell("the core alone")
        result = subprocess.run([os.path.join(BUILD, "bench_core")], stdout=subprocess.PIPE,
                                check=True)
        found = json.loads(result.stdout)
        match = found["match"]
        self.figures.section("the core alone")
        self.figures.add("framing", "ns/line", sioproxy=found["frame"])
        self.figures.add("parsing", "ns/line", sioproxy=found["parse"])
        self.figures.add("parsing an ok", "ns/line", sioproxy=found["reply"])
        for count, value in match.items():
            self.figures.add("matching, %s rules" % count, "ns/line", sioproxy=value,
                             goal=1.1 * match["10"] if count == "1000" else None)
        self.figures.add("whole way down", "ns/line", sioproxy=found["down"])
        self.figures.add("whole way up", "ns/line", sioproxy=found["up"])
        self.figures.add("whole way, both", "ns/line", sioproxy=found["both"], goal=1000)

    def rules(self):
        tell("events with many rules")
        result = subprocess.run([os.path.join(BUILD, "bench_rules")], stdout=subprocess.PIPE,
                                check=True)
        self.figures.section("an event that rules on points and temperatures wait for")
        for count, found in json.loads(result.stdout).items():
            for kind, times in found.items():
                for share in ("p50", "p99"):
                    self.figures.add("%s, %s rules, %s" % (kind, count, share), "us",
                                     sioproxy=times[share])

    # -- what the daemon costs

    def memory(self):
        self.figures.section("memory, start, idle")
        self.figures.add("memory (RSS), %d rules" % RULES, "KiB", goal=5 * 1024,
                         sioproxy=status_number(self.proxy.pid, "VmRSS"),
                         socat=status_number(self.socat.pid, "VmRSS"))

    def start_up(self):
        tell("start-up")
        times = []
        for _ in range(10):
            folder = tempfile.mkdtemp(dir=self.folder)
            way = paths.Proxy(folder, rules=RULES)
            times.append(way.start_seconds * 1000)
            way.stop()
        self.figures.add("start until ready, %d rules" % RULES, "ms",
                         sioproxy=statistics.median(times))

    def idle(self):
        tell("%d s of idling" % IDLE_SECONDS)
        link = os.path.join(self.folder, "board")
        board = Program("sim_board_pty", [os.path.join(BUILD, "sim_board_pty"), link],
                        os.path.join(self.folder, "board.log"))
        wait_until("the board's port", lambda: os.path.exists(link), PATIENCE, 0.01, [board])
        ways = [self.proxy, self.start(paths.Proxy, rules=RULES, board=link)]
        wait_until("the boards are online",
                   lambda: all(way.status()["board"]["state"] == "online" for way in ways),
                   PATIENCE, 0.1)
        before = [status_number(way.pid, "voluntary_ctxt_switches") for way in ways]
        time.sleep(IDLE_SECONDS)
        after = [status_number(way.pid, "voluntary_ctxt_switches") for way in ways]
        board.kill()
        for name, first, last in zip(("simulated board", "board on a pty"), before, after):
            self.figures.add("wake-ups when idle, " + name, "1/s", goal=2,
                             sioproxy=(last - first) / IDLE_SECONDS)

    def simulate(self):
        """Only once the program can."""
        usage = subprocess.run([os.path.join(BUILD, "sioproxy"), "--help"], capture_output=True,
                               text=True, check=False)
        if " simulate " not in usage.stdout + usage.stderr:
            return
        tell("simulate")
        path = os.path.join(self.folder, "print.gcode")
        lines = write_print(path, 200000)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run([os.path.join(BUILD, "sioproxy"), "simulate", path, "-c",
                        self.proxy.config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        self.figures.section("sioproxy simulate")
        self.figures.add("a file of %d lines, by CPU time" % lines, "lines/s", least=1000000,
                         sioproxy=lines / seconds)

    def octoprint(self):
        python = os.path.join(BUILD, "venv", "bin", "python")
        if not os.path.exists(python):
            tell("no build/venv (scripts/test makes it): no print by OctoPrint")
            return
        tell("prints by OctoPrint")
        result = subprocess.run(
            [python, os.path.join(ROOT, "tests", "bench", "octoprint_prints.py"), self.folder],
            stdout=subprocess.PIPE, check=True)
        found = json.loads(result.stdout)
        self.figures.section("a print by OctoPrint, %d lines" % found["lines"])
        for key, unit in (("rate", "lines/s"), ("p50", "ms"), ("p99", "ms"), ("max", "ms")):
            name = "lines a second" if key == "rate" else "gap between lines, " + key
            self.figures.add(name, unit, sioproxy=found["sioproxy"][key],
                             direct=found["direct"][key])


def write_print(path, lines):
    with open(path, "w", encoding="ascii") as file:
        for i in range(lines):
            file.write("G1 X%d.%03d Y%d.%03d E.0%04d\n" % (60 + i % 97, i * 37 % 1000,
                                                          40 + i % 83, i * 59 % 1000, i % 10000))
    return lines


def about():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        models = [line.partition(":")[2].strip() for line in file
                  if line.startswith(("model name", "Model"))]
    return {"machine": "%s, %d CPUs" % (models[0] if models else os.uname().machine,
                                        os.cpu_count()),
            "kernel": os.uname().release, "load_before": round(os.getloadavg()[0], 2)}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="sioproxy-bench-")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    facts = about()
    bench = None
    try:
        bench = Bench(folder)
        bench.round_trips()
        bench.flow()
        bench.memory()
        bench.halt()
        bench.stop_button()
        bench.core()
        bench.rules()
        bench.cpu_share()
        bench.start_up()
        bench.idle()
        bench.simulate()
        bench.octoprint()
    finally:
        if bench is not None:
            bench.stop()
        shutil.rmtree(folder, ignore_errors=True)
    facts["load_after"] = round(os.getloadavg()[0], 2)
    if options.json:
        print(bench.figures.json(facts))
    else:
        print("%(machine)s, Linux %(kernel)s, load %(load_before)g before, %(load_after)g after"
              % facts)
        if facts["load_before"] > 0.5:
            print("The machine was busy with something else: figures in microseconds tell of "
                  "that, too.")
        print(bench.figures.table())


if __name__ == "__main__":
    main()
