"""
Nothing switches by accident when the daemon starts, reloads, ends or dies: every pin of the
simulated board that changes is on a list of what may change then.
"""

import signal
import unittest

from machine import PATIENCE, MachineTest, read_text, wait_until
from torture import Peer

# Beside the light (12, start: off) of every test; 17 marks the end of what is looked at.
POINTS = """\
  kept:    {io: 13, type: output}
  started: {io: 14, type: output, start: on}
  ended:   {io: 15, type: output, exit: off}
  low:     {io: 16, type: output, active: low, start: off}
  marker:  {io: 17, type: output}
"""
OTHER_POINTS = POINTS.replace("start: on", "start: off").replace(
    "kept:    {io: 13, type: output}", "kept:    {io: 13, type: output, start: on}")


class Pins(MachineTest):
    def setUp(self):
        super().setUp()
        self.board = Peer("sim_board_pty", self.path("board"), self.path("board.log"))
        self.addCleanup(self.board.end)
        self.seen = 0
        self.marker = 0

    def begin(self):
        daemon = self.daemon(board=self.board.link, extra=POINTS)
        daemon.wait_for("board", "online")
        return daemon

    def log(self):
        """`12+`, `13-`, and `boot` for each opening, since the start."""
        found = []
        for line in read_text(self.board.log).splitlines():
            words = line.split()
            if words[1:2] == ["open"]:
                found.append("boot")
            elif words[1:2] == ["pin"]:
                found.append(words[2] + "-+"[int(words[3])])
        return found

    def changes(self, daemon=None):
        """What has changed since last asked. All that came before the marker has been done."""
        if daemon is not None:
            self.marker = 1 - self.marker
            mark = "17" + "-+"[self.marker]
            self.assertEqual(daemon.run_sioctl("set", "marker", "on" if self.marker else "off")[0],
                             0)
            wait_until("the marker", lambda: mark in self.log()[self.seen:], PATIENCE, 0.01)
        changed = self.log()[self.seen:]
        self.seen += len(changed)
        return [change for change in changed if not change.startswith("17")]

    def be_in_use(self, daemon):
        for point in ("kept", "ended", "light"):
            self.assertEqual(daemon.run_sioctl("set", point, "on")[0], 0)
        self.assertEqual(self.changes(daemon), ["13+", "15+", "12+"])

    def boots(self):
        """The board boots as its port is opened: what was high is low, and that is not ours."""
        self.marker = 0

    def test_over_start_reload_end_and_death(self):
        daemon = self.begin()
        self.assertEqual(self.changes(daemon), ["boot", "14+", "16+"])
        self.be_in_use(daemon)

        for points in (POINTS, OTHER_POINTS, POINTS):
            daemon.write_config(board=self.board.link, extra=points)
            self.assertEqual(daemon.run_sioctl("reload")[0], 0)
            self.assertEqual(self.changes(daemon), [])
        daemon.write_config(board=self.board.link, extra=POINTS + "rules: [/nowhere.yaml]\n")
        self.assertNotEqual(daemon.run_sioctl("reload")[0], 0)
        self.assertEqual(self.changes(daemon), [])
        daemon.write_config(board=self.board.link, extra=POINTS)

        for _ in range(2):
            host = self.host(daemon)
            host.ask(b"M115")
            host.close()
            daemon.wait_for("host", "disconnected")
        for word in ("unplug", "plug", "reset"):
            self.assertEqual(daemon.run_sioctl("sim", "printer", word)[0], 0)
        self.assertEqual(self.changes(daemon), [])

        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.changes(), ["15-"])

        self.boots()
        daemon = self.begin()
        dropped = ["12-", "13-", "14-", "16-"]
        self.assertEqual(self.changes(daemon), ["boot"] + dropped + ["14+", "16+"])
        self.be_in_use(daemon)

        daemon.program.process.send_signal(signal.SIGKILL)
        daemon.program.process.wait()
        self.assertEqual(self.changes(), [])
        self.boots()
        daemon = self.begin()
        dropped = ["12-", "13-", "14-", "15-", "16-"]
        self.assertEqual(self.changes(daemon), ["boot"] + dropped + ["14+", "16+"])

    def test_over_a_reset_of_the_board(self):
        daemon = self.begin()
        self.assertEqual(self.changes(daemon), ["boot", "14+", "16+"])
        self.be_in_use(daemon)
        self.board.tell("reset")
        wait_until("all are back", lambda: len(self.log()) >= self.seen + 10, PATIENCE, 0.01)
        changed = self.changes()
        self.assertEqual(changed[:5], ["12-", "13-", "14-", "15-", "16-"])
        self.assertEqual(sorted(changed[5:]), ["12+", "13+", "14+", "15+", "16+"])
        daemon.wait_for("board", "online")
        self.assertEqual(self.changes(daemon), [])


if __name__ == "__main__":
    unittest.main()
