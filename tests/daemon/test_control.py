"""The control socket and sioctl: forms, exit statuses, and clients that misbehave."""

import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess
import termios
import unittest

from machine import BUILD, PATIENCE, Control, MachineTest, read_text, wait_until


class ControlSocket(MachineTest):
    def setUp(self):
        super().setUp()
        self.proxy = self.daemon(board="simulated")
        self.proxy.wait_for("board", "online")

    def sioctl(self, *words):
        return self.proxy.run_sioctl(*words)

    def test_status_has_the_promised_form(self):
        status = self.proxy.status()
        self.assertEqual(list(status), ["version", "name", "uptime_ms", "host", "printer", "board",
                                        "print", "waiting", "estop", "filament", "psu",
                                        "counters"])
        self.assertEqual(list(status["host"]), ["port", "state", "baud"])
        self.assertEqual(list(status["printer"]), ["port", "state", "baud", "firmware",
                                                   "emergency_parser", "temperatures"])
        self.assertEqual(list(status["board"]), ["port", "state", "firmware"])
        self.assertEqual(list(status["print"]), ["state", "source", "file", "lines"])
        self.assertEqual(list(status["counters"]),
                         ["host_lines", "printer_lines", "swallowed", "injected", "resends",
                          "lost_oks", "lost_lines", "board_faults"])
        self.assertEqual(status["name"], "test")
        self.assertEqual(status["host"]["port"], self.proxy.link)
        self.assertEqual(status["host"]["state"], "disconnected")
        self.assertIsNone(status["waiting"])
        self.assertEqual(status["estop"], {"state": "none"})
        code, out, _ = self.sioctl("status")
        self.assertEqual(code, 0)
        self.assertIn("printer  simulated", out)

    def test_points_have_the_promised_form(self):
        points = json.loads(self.sioctl("points", "--json")[1])
        self.assertEqual([point["name"] for point in points], ["light", "door"])
        self.assertEqual(list(points[0]), ["name", "type", "io", "number", "state", "value",
                                           "label", "icon"])
        self.assertEqual(points[0]["type"], "output")
        self.assertEqual(points[0]["io"], 12)
        self.assertIsNone(points[0]["number"])
        self.assertIn("light", self.sioctl("points")[1])

    def on_a_terminal(self, columns, *words, **environment):
        """What sioctl says on a terminal of that width, colours and all."""
        ours, theirs = os.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        subprocess.run([os.path.join(BUILD, "sioctl"), "--socket", self.proxy.socket, *words],
                       stdout=theirs, check=True, timeout=PATIENCE,
                       env={**os.environ, "NO_COLOR": "", "TERM": "xterm", **environment})
        os.close(theirs)
        said = b""
        try:
            while more := os.read(ours, 65536):  # it comes in pieces
                said += more
        except OSError:
            pass  # this is how a terminal ends
        return said.decode().replace("\r\n", "\n")

    def test_states_have_colours_on_a_terminal_that_wants_them(self):
        online = "\033[32monline\033[0m"
        self.assertIn(online, self.on_a_terminal(80, "status"))
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\033", self.on_a_terminal(80, "status", **environment))
        self.assertNotIn("\033", self.sioctl("status")[1])

    def test_counters_are_wrapped_to_the_terminal(self):
        for columns in (40, 80, 120):
            said = self.on_a_terminal(columns, "status", TERM="dumb")
            lines = said[said.index("counted  "):].splitlines()
            self.assertGreaterEqual(columns, max(map(len, lines)))
            for line in lines[1:]:
                self.assertRegex(line, r"^ {9}[a-z_]+ \d+")

    def test_watch_stands_in_columns(self):
        with open(os.path.join(self.folder, "watched"), "w+", encoding="utf-8") as file:
            watch = subprocess.Popen([os.path.join(BUILD, "sioctl"), "--socket",
                                      self.proxy.socket, "watch"], stdout=file)
            try:
                wait_until("it stands in columns", lambda:
                           self.sioctl("set", "light", "on")[0] == 0 and
                           self.sioctl("set", "light", "off")[0] == 0 and
                           re.search(r"(?m)^\d\d:\d\d:\d\d\.\d{3} point       light off {17}"
                                     r"sioctl set$", read_text(file.name)))
            finally:
                watch.terminate()
                watch.wait()

    def test_get_says_the_state_by_word_and_status(self):
        self.assertEqual(self.sioctl("set", "light", "on")[0], 0)
        self.assertEqual(self.sioctl("get", "light"), (0, "on\n", ""))
        self.assertEqual(self.sioctl("set", "light", "off")[0], 0)
        self.assertEqual(self.sioctl("get", "light"), (1, "off\n", ""))
        self.assertEqual(self.sioctl("sim", "board", "unplug")[0], 0)
        wait_until("unknown", lambda: self.sioctl("get", "light") == (4, "unknown\n", ""))

    def test_set_on_a_board_that_is_gone_is_refused(self):
        self.sioctl("sim", "board", "unplug")
        wait_until("unknown", lambda: self.sioctl("get", "light")[0] == 4)
        code, _, err = self.sioctl("set", "light", "on")
        self.assertEqual(code, 1)
        self.assertTrue(err.startswith("sioctl: "))

    def test_the_world_moves_an_input(self):
        self.assertEqual(self.sioctl("sim", "door", "on")[0], 0)
        wait_until("the door is open", lambda: self.sioctl("get", "door")[0] == 0)
        self.assertEqual(self.sioctl("sim", "door", "off")[0], 0)
        wait_until("the door is closed", lambda: self.sioctl("get", "door")[0] == 1)

    def test_sensors_and_dimmed_outputs_have_values(self):
        daemon = self.proxy
        self.assertEqual(daemon.stop(), 0)
        daemon.write_config(board="simulated", extra="  fan: {io: 14, type: pwm}\n"
                            "  air: {io: 4, type: dht}\n")
        daemon.start()
        daemon.wait_for("board", "online")
        wait_until("the air is known", lambda: self.sioctl("get", "air")[1] == "21.0C 45%\n")
        self.assertEqual(self.sioctl("sim", "air", "45.5C")[0], 0)
        wait_until("it is warm", lambda: self.sioctl("get", "air")[1] == "45.5C 45%\n")
        self.assertEqual(self.sioctl("sim", "air", "500C")[0], 2)
        self.assertEqual(self.sioctl("sim", "air", "on")[0], 2)
        for point, kind in (("door", "an input"), ("air", "a sensor")):
            for words in (("set", point, "on"), ("pulse", point, "200ms")):
                status, _, err = self.sioctl(*words)
                self.assertEqual(status, 1, words)
                self.assertIn("it is %s: nothing can be set" % kind, err)
        self.assertEqual(self.sioctl("set", "fan", "40%")[0], 0)
        points = {point["name"]: point for point in
                  json.loads(self.sioctl("--json", "points")[1])}
        self.assertEqual((points["fan"]["state"], points["fan"]["value"]), ("on", 102))
        self.assertEqual((points["air"]["state"], points["air"]["value"],
                          points["air"]["humidity"]), ("on", 45.5, 45.0))
        self.assertIsNone(points["light"]["value"])
        self.assertRegex(self.sioctl("points")[1], r"(?m)^fan +on .* 102 of 255$")
        self.assertRegex(self.sioctl("points")[1], r"(?m)^air +on .* 45\.5C 45%$")
        self.assertEqual(self.sioctl("sim", "board", "unplug")[0], 0)
        wait_until("it is lost", lambda: self.sioctl("get", "air")[0] == 4)

    def test_simulated_inputs_rest_until_somebody_moves_them(self):
        with open(self.proxy.config, encoding="utf-8") as file:
            config = file.read()
        self.sioctl("sim", "door", "on")
        self.rewrite(config.replace("points:\n", "points:\n"
                                    "  stop: {io: 7, type: input, active: high}\n"
                                    "  lid: {io: 8, type: input, active: low}\n"))
        self.assertEqual(self.sioctl("reload")[0], 0)
        wait_until("stop and lid are off, the door is as it was moved",
                   lambda: [self.sioctl("get", name)[0] for name in ("stop", "lid", "door")] ==
                   [1, 1, 0])

    def test_status_shows_the_stop_where_there_is_one(self):
        self.assertNotIn("estop", self.sioctl("status")[1])
        with open(self.proxy.config, encoding="utf-8") as file:
            config = file.read()
        # Active at the level that it does not have before the simulated board knows of it.
        self.rewrite(config + "  stop: {io: 7, type: input, active: low}\n"
                              "estop: {point: stop}\n")
        self.assertEqual(self.sioctl("reload")[0], 0)
        wait_until("armed", lambda: "\nestop    armed\n" in self.sioctl("status")[1])

    def test_pulse_switches_on_and_off_again(self):
        control = self.control(self.proxy)
        self.assertEqual(control.ask(command="watch"), {"ok": True})
        self.assertEqual(self.sioctl("pulse", "light", "100ms")[0], 0)
        states = []
        while states[-2:] != ["on", "off"]:
            event = control.receive()
            if event["event"] == "point" and event["name"] == "light":
                states.append(event["state"])

    def test_send_goes_to_the_printer(self):
        printer = self.pty_printer()
        self.assertEqual(self.proxy.stop(), 0)
        self.proxy.write_config(printer=printer.link, board="simulated")
        self.proxy.start()
        self.proxy.wait_for_printer()
        self.assertEqual(self.sioctl("send", "M117", "hello")[0], 0)
        wait_until("it is sent", lambda: b"M117 hello\n" in printer.received)

    def test_watch_prints_what_happens(self):
        control = self.control(self.proxy)
        control.ask(command="watch")
        self.sioctl("set", "light", "on")
        while True:
            event = control.receive()
            self.assertEqual(list(event)[:5], ["time", "event", "name", "state", "cause"])
            self.assertRegex(event["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            if (event["event"], event["name"], event["state"]) == ("point", "light", "on"):
                break

    def test_exit_statuses(self):
        for words, status in (
                (["set", "nothere", "on"], 2), (["set", "light", "dim"], 2),
                (["set", "door", "on"], 1), (["get"], 2), (["nonsense"], 2), ([], 2),
                (["pulse", "light", "200"], 2), (["sim", "light", "on"], 1),
                (["sim", "printer", "explode"], 2), (["psu", "on"], 1), (["psu", "off", "--force"], 1),
                (["psu", "state"], 4), (["psu", "dim"], 2), (["psu"], 2), (["status", "--force"], 2),
                (["estop"], 0), (["estop", "state"], 0), (["estop", "reset"], 1), (["reset"], 1),
                (["estop", "push"], 2),
                (["octoprint"], 0), (["continue"], 1), (["--help"], 0), (["--version"], 0),
                (["ports"], 0), (["ports", "--json"], 0), (["log", "5"], 0),
                (["log", "x"], 2), (["log", "0"], 2)):
            self.assertEqual(self.sioctl(*words)[0], status, words)

    def test_usage_mistakes_are_one_sentence_and_json_when_that_is_wanted(self):
        for words, sentence in (
                (["statsu"], "there is no command statsu: did you mean status?"),
                (["xyzzy"], "there is no command xyzzy: sioctl --help lists them"),
                ([], "which command? sioctl --help lists them"),
                (["--sokcet", "x", "status"], "there is no option --sokcet: did you mean --socket?"),
                (["-x"], "there is no option -x: sioctl --help lists them"),
                (["pulse", "light", "-1s"], "there is no option -1: sioctl --help lists them"),
                (["set", "light"], "it is: sioctl set POINT on|off|N%"),
                (["log", "x"], "log N: how many lines, 1 or more"),
                (["-n", "x", "status"], "-n and --socket exclude each other"),
                (["pulse", "light", "200"], "duration needs a unit: ms, s, min or h"),
                (["pulse", "light", "0ms"], "duration is longer than 0"),
                (["pulse", "light", "99999999h"], "duration is at most 1000 days"),
                (["pulse", "light", "long"], "duration is a number with its unit, like 200ms")):
            self.assertEqual(self.sioctl(*words), (2, "", f"sioctl: {sentence}\n"))
            code, out, err = self.sioctl(*words, "--json")
            self.assertEqual((code, err), (2, ""))
            self.assertEqual(json.loads(out), {"ok": False, "code": "usage", "error": sentence})

    def test_octoprint_says_what_to_enter_there(self):
        status, out, err = self.sioctl("octoprint", "--json")
        self.assertEqual((status, err), (0, ""))
        made = json.loads(out)
        self.assertEqual(list(made), ["additional_ports", "blacklisted_ports", "scripts",
                                      "controls"])
        self.assertEqual(made["additional_ports"], [self.proxy.link])
        self.assertEqual(made["blacklisted_ports"], ["/dev/ttyUSB*", "/dev/ttyACM*"])
        self.assertEqual(made["scripts"], {
            "beforePrintStarted": "M889 J1", "afterPrintPaused": "M889 J2",
            "beforePrintResumed": "M889 J3", "afterPrintDone": "M889 J4",
            "afterPrintCancelled": "M889 J5"})
        switch, shown = made["controls"]
        self.assertEqual([button["command"] for button in switch["children"]],
                         ["M42 Plight S1", "M42 Plight S0"])
        self.assertEqual(switch["children"][0]["name"], "Chamber light on")
        self.assertEqual(shown["children"][1],
                         {"name": "door", "regex": "echo:sioproxy point door (\\w+)",
                          "template": "door: {0}"})
        text = self.sioctl("octoprint")[1]
        self.assertIn("Before print job starts:\n    M889 J1\n", text)
        try:
            import yaml
        except ImportError:
            return
        self.assertEqual(yaml.safe_load(text[text.index("controls:"):]),
                         {"controls": made["controls"]})

    def test_the_controls_of_octoprint_do_what_they_say(self):
        host = self.host(self.proxy)
        switch, shown = json.loads(self.sioctl("octoprint", "--json")[1])["controls"]
        for command, state in zip([button["command"] for button in switch["children"]],
                                  ("on", "off")):
            host.ask(command.upper().encode())
            self.assertEqual(self.sioctl("get", "light")[1], state + "\n")
        for command in shown["children"][-1]["commands"]:
            host.write(command.encode() + b"\n")
            heard = host.wait_for(b"ok\n").decode()
            for point in shown["children"][:-1]:
                self.assertRegex(heard, point["regex"])

    def test_octoprint_needs_no_daemon(self):
        self.proxy.stop()
        made = json.loads(self.sioctl("octoprint", "--json")[1])
        self.assertEqual(made["additional_ports"], ["/run/sioproxy/*/printer"])
        self.assertEqual(made["controls"], [])

    def test_errors_are_json_when_json_is_wanted(self):
        code, out, err = self.sioctl("--json", "set", "lihgt", "on")
        self.assertEqual((code, err), (2, ""))
        self.assertEqual(json.loads(out)["error"],
                         "there is no point lihgt: did you mean light?")

    def test_sioctl_that_is_stopped_and_goes_on_still_hears_the_answer(self):
        self.proxy.program.freeze()
        client = subprocess.Popen([os.path.join(BUILD, "sioctl"), "--socket", self.proxy.socket,
                                   "get", "light"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(client.kill)
        for number, states in ((0, "S"), (signal.SIGSTOP, "T"), (signal.SIGCONT, "SZ")):
            client.send_signal(number)
            wait_until("it waits, is stopped, waits", lambda states=states: read_text(
                f"/proc/{client.pid}/stat").rsplit(")", 1)[1].split()[0] in states)
        self.proxy.program.thaw()
        self.assertEqual(client.communicate(timeout=PATIENCE)[0], "off\n")

    def test_no_daemon_is_status_3(self):
        self.proxy.stop()
        self.assertEqual(self.sioctl("status")[0], 3)
        code, out, err = self.sioctl("status", "--json")
        self.assertEqual((code, err, json.loads(out)["code"]), (3, "", "no_daemon"))

    def test_damaged_requests_are_answered(self):
        control = self.control(self.proxy)
        for line in (b"{", b"[]", b"7", b'"x"', b"{}", b'{"command": 5}', b"\xff\xfe",
                     b'{"command":"set","point":[],"state":{}}', b"{" * 2000):
            control.send(line + b"\n")
            reply = control.receive()
            self.assertEqual((reply["ok"], reply["code"]), (False, "usage"), line)
        control.send(b"\n \n")
        self.assertTrue(control.ask(command="points")["ok"])

    def test_several_requests_in_one_write_are_answered_in_order(self):
        control = self.control(self.proxy)
        control.send(b'{"command":"set","point":"light","state":"on"}\n'
                     b'{"command":"get","point":"light"}\n'
                     b'{"command":"set","point":"light","state":"off"}\n'
                     b'{"command":"get","point":"light"}\n')
        control.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(control.receive()["ok"])
        self.assertEqual(control.receive()["state"], "on")
        self.assertTrue(control.receive()["ok"])
        self.assertEqual(control.receive()["state"], "off")
        self.assertIsNone(control.receive())

    def test_a_line_of_more_than_4_kib_ends_the_conversation(self):
        control = self.control(self.proxy)
        control.send(b'{"command":"' + b"x" * 5000)
        self.assertIn("4096", control.receive()["error"])
        try:
            self.assertIsNone(control.receive())
        except ConnectionResetError:
            pass  # what it had sent besides was not read

    def test_at_most_64_clients(self):
        clients = [self.control(self.proxy) for _ in range(64)]
        for client in clients:
            self.assertTrue(client.ask(command="points")["ok"])
        last = self.control(self.proxy)
        self.assertEqual(last.receive()["error"], "too many clients")
        clients[0].close()
        wait_until("there is room again",
                   self.is_let_in)

    def is_let_in(self):
        """The end of a client that has left may not have been seen yet."""
        try:
            return self.control(self.proxy).ask(command="points")["ok"]
        except (BrokenPipeError, ConnectionResetError):
            return False

    def test_a_watcher_that_does_not_read_loses_its_oldest_events(self):
        watcher = Control(self.proxy.socket)
        self.addCleanup(watcher.close)
        watcher.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        watcher.ask(command="watch")
        talker = self.control(self.proxy)
        for number in range(1500):
            state = "on" if number % 2 == 0 else "off"
            self.assertTrue(talker.ask(command="set", point="light", state=state)["ok"])
        self.assertEqual(self.sioctl("set", "light", "on")[0], 0)
        while watcher.receive().get("lost", 0) == 0:
            continue # if it lost none, it waits for one in vain

    def test_a_client_that_asks_and_does_not_read_holds_nobody_up(self):
        deaf = self.control(self.proxy)
        deaf.socket.setblocking(False)
        try:
            while True:
                deaf.socket.send(b'{"command":"status"}\n' * 100)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            pass
        self.assertEqual(self.sioctl("status")[0], 0)

    def test_the_log_is_kept(self):
        code, out, _ = self.sioctl("log")
        self.assertEqual(code, 0)
        self.assertIn("ready: OctoPrint can connect to " + self.proxy.link, out)
        self.assertEqual(len(self.sioctl("log", "1")[1].splitlines()), 1)

    def test_reload_takes_over_and_refuses(self):
        self.assertEqual(self.sioctl("reload")[0], 0)
        with open(self.proxy.config, encoding="utf-8") as file:
            config = file.read()
        self.rewrite(config.replace("  port: " + self.proxy.link, "  port: " +
                                    os.path.join(self.folder, "elsewhere")))
        code, _, err = self.sioctl("reload")
        self.assertEqual(code, 1)
        self.assertIn("host.port has changed: needs a restart", err)
        self.rewrite(config.replace("points:", "pionts:"))
        code, _, err = self.sioctl("reload")
        self.assertEqual(code, 1)
        self.assertTrue(re.search(r"test\.yaml:\d+:\d+: error: ", err), err)
        wait_until("the light is as it was", lambda: self.sioctl("get", "light")[1] == "off\n")

    def test_reload_refuses_all_of_it_with_the_list_of_mistakes(self):
        with open(self.proxy.config, encoding="utf-8") as file:
            config = file.read()
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write("rules:\n  - {when: {gcode: M750}, do: [{say: new}]}\n"
                       "  - {when: {gcode: M751}, do: [{set: {ligth: on}}]}\n"
                       "  - {when: {gcode: M752}, do: [{wait: 20}]}\n")
        self.rewrite(config.replace("points:\n", "points:\n  fan: {io: 13, type: output}\n") +
                     "rules: rules.yaml\nlgo: debug\n")
        mistakes = ["test.yaml:\\d+:1: error: lgo: unknown key \\(did you mean log\\?\\)",
                    "rules.yaml:3:39: error: .*did you mean light",
                    "rules.yaml:4:\\d+: error: .*needs a unit"]
        code, out, err = self.sioctl("reload")
        self.assertEqual((code, out), (1, ""))
        for line, mistake in zip(err.splitlines(), mistakes, strict=True):
            self.assertRegex(line, mistake)
        reply = json.loads(self.sioctl("reload", "--json")[1])
        self.assertEqual(list(reply), ["ok", "code", "error", "mistakes"])
        self.assertEqual(len(reply["mistakes"]), 3)
        self.assertEqual(reply["error"], reply["mistakes"][0])
        before = self.proxy.logged("reload refused")
        os.kill(self.proxy.pid, signal.SIGHUP)
        wait_until("it is told", lambda: self.proxy.logged("reload refused") > before)
        for mistake in mistakes:
            self.assertEqual(len(re.findall("\n/.*" + mistake, read_text(self.proxy.log))), 3)
        # nothing of it is there: no point, no rule
        self.assertEqual(self.sioctl("get", "fan")[0], 2)
        host = self.host(self.proxy)
        self.assertNotIn(b"new", host.ask(b"M750"))
        # what is right is there at once, and the host is told nothing
        self.rewrite(config.replace("points:\n", "points:\n  fan: {io: 13, type: output}\n") +
                     "rules: rules.yaml\n")
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write("rules:\n  - {when: {gcode: M750}, do: [{say: new}]}\n")
        os.kill(self.proxy.pid, signal.SIGHUP)
        self.proxy.wait_for_log("reload done")
        self.assertIn(b"new", host.ask(b"M750"))
        self.assertEqual(self.sioctl("set", "fan", "on")[0], 0)

    def test_what_runs_goes_on_through_a_reload_that_is_refused(self):
        with open(self.proxy.config, encoding="utf-8") as file:
            config = file.read() + "rules: rules.yaml\n"
        with open(os.path.join(self.folder, "rules.yaml"), "w", encoding="utf-8") as file:
            file.write("rules:\n"
                       "  - {name: stream, when: {gcode: M750}, do: [{say: began}, "
                       "{wait: {point: door, for: high}}, {say: opened}]}\n"
                       "  - {name: beside, when: {gcode: M751}, do: [{mark: started}]}\n"
                       "  - {name: flash, when: {print: started}, do: [{pulse: {point: light, "
                       "for: 5s}}, {say: dark again}]}\n")
        self.rewrite(config)
        self.assertEqual(self.sioctl("reload")[0], 0)
        host = self.host(self.proxy)
        host.ask(b"M751")
        self.proxy.wait_for_log("point light on: flash")
        host.write(b"M750\nM117 behind it\n")
        host.wait_for(b"echo:began\n")
        waiting = self.proxy.status()["waiting"]["for"]
        for text in (config + "lgo: debug\n", config.replace("points:", "pionts:"),
                     config.replace("  port: " + self.proxy.link, "  port: /elsewhere")):
            self.rewrite(text)
            self.assertEqual(self.sioctl("reload")[0], 1)
        self.assertEqual(self.proxy.status()["waiting"]["for"], waiting)
        self.assertIn(b"dark again", host.wait_for(b"echo:dark again\n"))
        self.assertEqual(self.sioctl("get", "light")[0], 1)
        self.sioctl("sim", "door", "on")
        host.wait_for(b"echo:opened\nok\n")
        host.wait_for(b"ok\n")

    def rewrite(self, config):
        with open(self.proxy.config, "w", encoding="utf-8") as file:
            file.write(config)


if __name__ == "__main__":
    unittest.main()
