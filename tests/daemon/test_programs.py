"""`run`: real programs, started by rules of a real daemon."""

import os
import signal
import subprocess
import unittest

from machine import BUILD, PATIENCE, MachineTest, read_text, wait_until

RULES = """\
rules:
  - {name: photo, when: {gcode: M765}, do: [{run: {program: photo, args: ['${L:-0}', 'a  b']}}, {say: taken}]}
  - {name: missing, when: {gcode: M766}, do: [{run: {program: missing}}, {say: taken}]}
  - {name: fails, when: {gcode: M767}, do: [{run: {program: fails}}]}
  - {name: endless, when: {point: light, becomes: on}, do: [{run: {program: endless, timeout: 5s}}]}
  - {name: flood, when: {gcode: M768}, do: [{run: {program: flood, timeout: 5s}}]}
  - {name: leaves, when: {gcode: M769}, do: [{run: {program: leaves}}]}
  - {name: tree, when: {gcode: M770}, do: [{run: {program: tree, timeout: 10min}}]}
  - {name: stubborn, when: {gcode: M771}, do: [{run: {program: endless, timeout: 10min}}]}
"""
PROGRAMS = {
    "photo": 'echo "layer $1 ($2) of $SIOPROXY_RULE, $# arguments"\necho to stderr >&2\n'
             'env | grep ^SIOPROXY_ | sort\nls /proc/self/fd | tr "\\n" " "; echo\n'
             'echo "notify socket: ${NOTIFY_SOCKET:-none}"\ncat\nprintf "no line end"\n',
    "fails": "exit 3\n",
    "endless": "trap '' TERM\necho $$ >>$0.pids\nwhile :; do sleep 1; done\n",
    "flood": "exec yes a line that is said over and over\n",
    "leaves": "sleep 100 &\necho $! >$0.pid\n",
    "tree": "sleep 100 &\necho $! >$0.pid\nwait\n",
}


def is_alive(pid):
    """Is there such a process, and no corpse of one?"""
    stat = read_text(f"/proc/{pid}/stat")
    return stat != "" and stat.rsplit(")", 1)[1].split()[0] != "Z"


class Programs(MachineTest):
    def setUp(self):
        super().setUp()
        lines = "programs:\n  missing: {path: nowhere.sh}\n"
        for name, text in PROGRAMS.items():
            path = self.path(name + ".sh")
            with open(path, "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n" + text)
            os.chmod(path, 0o755)
            lines += f"  {name}: {{path: {name}.sh}}\n"
        with open(self.path("rules.yaml"), "w", encoding="utf-8") as file:
            file.write(RULES)
        self.proxy = self.daemon(board="simulated", extra=lines + "rules: rules.yaml\n")
        self.proxy.wait_for("board", "online")
        self.host_end = self.host(self.proxy)
        self.host_end.ask(b"M105")

    def wait_for_pid(self, name):
        path = self.path(name)
        wait_until(path, lambda: os.path.exists(path) and read_text(path).endswith("\n"), PATIENCE)
        return [int(pid) for pid in read_text(path).split()]

    def test_its_output_is_in_the_log_and_the_rule_goes_on_when_it_has_ended(self):
        self.host_end.write(b"M765 L7\n")
        self.host_end.wait_for(b"echo:taken\nok\n")
        for line in ("layer 7 (a  b) of photo, 2 arguments", "to stderr", "SIOPROXY_EVENT=gcode",
                     "SIOPROXY_NAME=M765", "SIOPROXY_CAUSE=M765 L7", "SIOPROXY_DAEMON=test",
                     "SIOPROXY_PRINT=idle", "notify socket: none", "no line end"):
            self.assertIn(f"program photo: {line}\n", read_text(self.proxy.log))
        # ls has its folder open, too; nothing of the daemon's is passed on
        self.assertIn("program photo: 0 1 2 3 \n", read_text(self.proxy.log))

    def test_one_that_is_not_there_ends_the_rule(self):
        self.assertIn("warning: programs.missing.path: " + self.path("nowhere.sh") +
                      " is not there\n", read_text(self.proxy.log))
        self.host_end.write(b"M766\n")
        heard = self.host_end.wait_for(b"ok\n")
        self.assertIn(b"rule missing: step 1 of 2: missing: cannot be started: no such file", heard)
        self.assertNotIn(b"taken", heard)

    def test_its_status_is_told(self):
        self.host_end.write(b"M767\n")
        self.assertIn(b"rule fails: step 1 of 1: fails: status 3\n", self.host_end.wait_for(b"ok\n"))

    def test_one_that_never_ends_is_killed(self):
        self.proxy.run_sioctl("set", "light", "on")
        pid, = self.wait_for_pid("endless.sh.pids")
        self.host_end.wait_for(b"rule endless: step 1 of 1: endless: not done after 5s")
        wait_until("it is gone", lambda: not is_alive(pid), PATIENCE)

    def test_four_at_once_and_nothing_is_left_when_the_daemon_ends(self):
        with open(self.path("rules.yaml"), "w", encoding="utf-8") as file:
            file.write("rules:\n" + "".join(
                f"  - {{name: r{i}, when: {{point: light, becomes: on}}, "
                "do: [{run: {program: endless, timeout: 10min}}]}\n" for i in range(5)))
        self.assertEqual(self.proxy.run_sioctl("reload")[0], 0)
        self.proxy.run_sioctl("set", "light", "on")
        self.host_end.wait_for(b"rule r4: step 1 of 1: four programs run already")
        wait_until("four run", lambda: len(self.wait_for_pid("endless.sh.pids")) == 4, PATIENCE)
        pids = self.wait_for_pid("endless.sh.pids")
        self.assertTrue(all(is_alive(pid) for pid in pids))
        self.assertEqual(self.proxy.stop(), 0)
        wait_until("all are gone", lambda: not any(is_alive(pid) for pid in pids), PATIENCE)

    def test_a_flood_is_cut_and_holds_nothing_up(self):
        self.host_end.write(b"M768\n")
        wait_until("it runs", lambda: self.proxy.logged("program flood: a line") > 0, PATIENCE)
        cpu = self.proxy.cpu_seconds()
        heard = self.host_end.wait_for(b"ok\n")
        self.assertIn(b"flood: not done after 5s", heard)
        self.assertEqual(self.proxy.logged("program flood: a line"), 100)
        self.assertEqual(self.proxy.logged("more lines are not logged"), 1)
        self.assertLess(self.proxy.cpu_seconds() - cpu, 0.75)

    def test_what_a_program_leaves_behind_is_killed(self):
        self.host_end.write(b"M769\n")
        self.host_end.wait_for(b"ok\n")
        pid, = self.wait_for_pid("leaves.sh.pid")
        wait_until("it is gone", lambda: not is_alive(pid), PATIENCE)

    def test_the_whole_family_ends_with_the_daemon(self):
        self.host_end.write(b"M770\n")
        pid, = self.wait_for_pid("tree.sh.pid")
        self.assertEqual(self.proxy.stop(), 0)
        wait_until("it is gone", lambda: not is_alive(pid), PATIENCE)

    def test_nothing_begins_while_the_end_waits_for_the_disk(self):
        self.proxy.kill()
        if os.path.exists(self.proxy.state):
            os.unlink(self.proxy.state)
        os.mkfifo(self.proxy.state + ".new") # to open it takes until somebody opens its other end
        self.proxy.start()
        self.proxy.wait_for("board", "online")
        host = self.host(self.proxy)
        host.ask(b"M115") # and the printer's name is to be saved
        host.write(b"M771\n")
        pid, = self.wait_for_pid("endless.sh.pids")
        os.kill(self.proxy.pid, signal.SIGTERM)
        wait_until("all is done but what the disk is for", lambda: not is_alive(pid), PATIENCE)
        self.assertEqual(self.proxy.run_sioctl("set", "light", "on")[0], 3)
        self.assertEqual(self.proxy.stop(), 0)
        self.assertEqual(self.proxy.logged("the disk does not answer"), 1)
        self.assertEqual(self.proxy.logged("point light on"), 0)
        self.assertEqual(self.wait_for_pid("endless.sh.pids"), [pid])

    def test_a_recording_with_programs_is_replayed(self):
        recording = self.path("session.rec")
        recorder = subprocess.Popen([os.path.join(BUILD, "sioctl"), "--socket", self.proxy.socket,
                                     "record", recording], stderr=subprocess.DEVNULL)
        self.addCleanup(recorder.wait)
        self.addCleanup(recorder.kill)
        wait_until("it has begun", lambda: os.path.exists(recording) and
                   os.path.getsize(recording) > 100, PATIENCE)
        self.host_end.write(b"M765 L7\nM767\nM766\n")
        self.host_end.wait_for(b"missing: cannot be started")
        self.host_end.wait_for(b"ok\n")
        self.assertEqual(self.proxy.stop(), 0)
        recorder.wait(PATIENCE)
        self.assertIn("identical", self.replay(recording))
        timeline = self.replay("--timeline", recording)
        self.assertIn("program ! 0 run", timeline)
        self.assertIn('program - 0 ended "status 3"', timeline)

    def replay(self, *words):
        return subprocess.run([os.path.join(BUILD, "sioproxy"), "replay", *words], check=False,
                              capture_output=True, text=True, timeout=PATIENCE).stdout


if __name__ == "__main__":
    unittest.main()
