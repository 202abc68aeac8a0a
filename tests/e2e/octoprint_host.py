"""
A real OctoPrint, headless, with a folder of its own, driven by its REST API.

It listens on 127.0.0.1 only, sees no serial port of this machine (all of /dev is on its list of
ports to ignore) and asks nobody on the network anything: the plugins that would are disabled.
"""

import itertools
import os
import secrets
import socket
import sys

import requests
import yaml

from print_file import bare
from process import LONG, PATIENCE, Failure, Program, read_text, tail, wait_until

# Those that look for updates, news or neighbours, and one that would offer a port of its own.
DISABLED_PLUGINS = [
    "achievements", "announcements", "corewizard", "discovery", "errortracking", "health_check",
    "pluginmanager", "softwareupdate", "tracking", "virtual_printer",
]

STATES_OF_A_JOB = ("Starting", "Printing", "Pausing", "Paused", "Resuming", "Cancelling",
                   "Finishing")


def free_port():
    """
    A port to listen on, and what keeps it ours until it is closed, for OctoPrint takes its time
    until it listens: no port that the kernel gives to whoever calls somebody, and a name that one
    test at a time can have.
    """
    while True:
        port = 20000 + secrets.randbelow(10000)
        claim = socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                claim.bind("\0sioproxy-e2e-%d" % port)
                probe.bind(("127.0.0.1", port))
                return port, claim
            except OSError:
                claim.close()


class OctoPrint:
    def __init__(self, directory, link, scripts=None):
        """
        Prepares an OctoPrint in directory (made if missing) that may connect to link. scripts:
        the text of GCODE scripts by their names, instead of what OctoPrint has there.
        """
        self.directory = directory
        self.link = link
        self.key = secrets.token_hex(16)
        self.port, self.claim = free_port()
        self.program = None
        self.questions = itertools.count(1)
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["X-Api-Key"] = self.key
        os.makedirs(directory, exist_ok=True)
        self._write("config.yaml", self._config())
        self._write("users.yaml", self._users())
        for name, text in (scripts or {}).items():
            os.makedirs(os.path.join(directory, "scripts", "gcode"), exist_ok=True)
            with open(os.path.join(directory, "scripts", "gcode", name), "w",
                      encoding="utf-8") as file:
                file.write(text)

    def _write(self, name, content):
        with open(os.path.join(self.directory, name), "w", encoding="utf-8") as file:
            yaml.safe_dump(content, file)

    def _config(self):
        return {
            "server": {
                "host": "127.0.0.1",
                "port": self.port,
                "firstRun": False,
                "secretKey": secrets.token_hex(16),
                "onlineCheck": {"enabled": False},
                "pluginBlacklist": {"enabled": False},
                "pythonEolCheck": {"enabled": False},
                "ipCheck": {"enabled": False},
            },
            "plugins": {"_disabled": DISABLED_PLUGINS},
            "gcodeAnalysis": {"runAt": "never"},
            "webcam": {"timelapseEnabled": False},
            "serial": {
                "autoconnect": False,
                "additionalPorts": [self.link],
                "blacklistedPorts": ["/dev/*"],
                "log": True,
                # 3 s otherwise: of a busy every 2 s one second would be left for a slow machine
                "timeout": {"communicationBusy": 5},
            },
        }

    def _users(self):
        # Nobody logs in by password, so the hash is of no password at all.
        return {
            "_version": 2,
            "admin": {
                "active": True,
                "apikey": self.key,
                "groups": ["users", "admins"],
                "password": "$argon2id$v=19$m=65536,t=3,p=4$bm9uZQ$bm9uZQ",
                "permissions": [],
                "settings": {},
            },
        }

    @property
    def serial_log(self):
        return os.path.join(self.directory, "logs", "serial.log")

    @property
    def octoprint_log(self):
        return os.path.join(self.directory, "logs", "octoprint.log")

    def start(self):
        environment = {key: value for key, value in os.environ.items()
                       if not key.lower().endswith("_proxy")}
        self.program = Program(
            "OctoPrint",
            [sys.executable, "-m", "octoprint", "serve", "--iknowwhatimdoing",
             "--host", "127.0.0.1", "--port", str(self.port), "--basedir", self.directory],
            os.path.join(self.directory, "output.log"), environment)
        wait_until("OctoPrint answers", self._answers, PATIENCE, 0.2, [self.program])

    def _answers(self):
        try:
            return self.session.get(self._url("/api/version"), timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def stop(self):
        if self.program:
            self.program.stop()

    def kill(self):
        if self.program:
            self.program.kill()
        self.claim.close()

    def tails(self):
        """What its logs say last, to be shown with a failure."""
        return tail(self.serial_log) + tail(self.octoprint_log)

    # -- its API

    def _url(self, path):
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def _request(self, method, path, **arguments):
        answer = self.session.request(method, self._url(path), timeout=PATIENCE,
                                      **arguments)
        if answer.status_code >= 300:
            raise Failure("OctoPrint: %s %s: %d %s"
                          % (method, path, answer.status_code, answer.text[:300]))
        return answer.json() if answer.content else None

    def _get(self, path):
        return self._request("GET", path)

    def _post(self, path, **content):
        return self._request("POST", path, json=content)

    def ports(self):
        """The ports it offers for connecting."""
        return self._get("/api/connection")["options"]["ports"]

    def state(self):
        """What it shows as the printer's state: Operational, Printing, Closed …

        Not from /api/connection, which looks through /dev each time and answers 500 when a device
        goes away meanwhile.
        """
        return self._get("/api/job")["state"]

    def connect(self, port=None, baudrate=115200):
        self._post("/api/connection", command="connect", port=port or self.link,
                   baudrate=baudrate, save=False, autoconnect=False)
        self.wait_for_state("Operational")

    def disconnect(self):
        self._post("/api/connection", command="disconnect")
        self.wait_for_disconnect()

    def wait_for_disconnect(self):
        """Waits until it has no connection, whoever ended it."""
        self.wait_for_state(("Closed", "Offline"))

    def error(self):
        """Why it has gone offline, as it shows that."""
        return self.job().get("error", "")

    def wait_for_state(self, wanted, timeout=PATIENCE):
        """Waits until its state begins with one of the wanted words."""
        wanted = (wanted,) if isinstance(wanted, str) else tuple(wanted)
        seen = []

        def reached():
            seen[:] = [self.state()]
            return seen[0] if seen[0].startswith(wanted) else None

        try:
            return wait_until("state " + " or ".join(wanted), reached, timeout, 0.1,
                              [self.program])
        except Failure as failure:
            raise Failure("%s; it is %s" % (failure, seen)) from None

    def upload(self, name, content):
        """Stores a print file, bytes, under a name."""
        self._upload("local", name, content)

    def upload_to_card(self, name, content):
        """Stores a print file on the printer's SD card, and returns what it is called there."""
        wait_until("the card is seen", lambda: self._get("/api/printer/sd")["ready"])
        self._upload("sdcard", name, content)
        wait_until("the file is on the card", lambda: self.files_on_card(), PATIENCE, 0.2,
                   [self.program])
        self.wait_for_state("Operational")
        return self.files_on_card()[0]

    def _upload(self, location, name, content):
        self._request("POST", "/api/files/" + location,
                      files={"file": (name, content, "text/x.gcode")})

    def files_on_card(self):
        return [file["name"] for file in self._get("/api/files/sdcard")["files"]]

    def print(self, name, location="local"):
        """
        Selects a stored file and starts to print it. A local one is being printed before this
        returns, or has been.
        """
        self._post("/api/files/%s/%s" % (location, name), command="select", print=True)

    def pause(self):
        self._post("/api/job", command="pause", action="pause")

    def resume(self):
        self._post("/api/job", command="pause", action="resume")

    def cancel(self):
        self._post("/api/job", command="cancel")

    def job(self):
        return self._get("/api/job")

    def prompt(self):
        """The question that the printer asks in its window, as (text, choices), or None."""
        answer = self._get("/api/plugin/action_command_prompt")
        return (answer["text"], answer["choices"]) if answer else None

    def choose(self, choice):
        """Presses a button of that window, the choice-th."""
        self._post("/api/plugin/action_command_prompt", command="select", choice=choice)

    def wait_for_end(self, timeout=LONG):
        """Waits until the print has ended, and fails unless it was printed to its end."""
        state = wait_until("the print ends", self._ended, timeout, 0.2, [self.program])
        completion = self.job()["progress"]["completion"]
        if state != "Operational" or completion != 100:
            raise Failure("the print ended at %s %% in state %s" % (completion, state))

    def _ended(self):
        state = self.state()
        return None if state.startswith(STATES_OF_A_JOB) else state

    def command(self, line):
        """Sends a line as the terminal does after its browser part: not upper-cased here."""
        self._post("/api/printer/command", command=line)

    def ask(self, line):
        """Sends a line as command() does, and returns what is answered: the last is its ok."""
        since = len(self.serial_lines())  # a line like it has been answered by now
        self.command(line)
        return wait_until("the answer to " + line, lambda: self._answer(line, since),
                          PATIENCE, 0.1, [self.program])

    def _answer(self, line, since):
        answer = None
        for direction, text in self.serial_lines()[since:]:
            if direction == "Send" and bare(text) == line:
                answer = []
            elif direction == "Recv" and answer is not None:
                answer.append(text)
                if text.startswith("ok"):
                    return answer
        return None

    def temperatures(self):
        return self._get("/api/printer")["temperature"]

    # -- what it said and heard

    def serial_lines(self):
        """
        Its serial log as (direction, text): Send and Recv are lines of the wire, and None is
        what it says about them itself.
        """
        lines = []
        for line in read_text(self.serial_log).splitlines():
            _, _, text = line.partition(" - ")
            direction, colon, rest = text.partition(": ")
            if colon and direction in ("Send", "Recv"):
                lines.append((direction, rest))
            else:
                lines.append((None, text))
        return lines

    def received(self):
        """The lines that it has received, but for the last: it writes its log when it has time."""
        return [text for direction, text in self.serial_lines() if direction == "Recv"]

    def heard(self):
        """All that it has received up to now: the answer to a question stands behind it."""
        self.ask("M105 S%d" % next(self.questions))
        return self.received()

    def wait_for_received(self, text, since=0):
        """Waits for a received line that contains text, from the since-th received line on."""
        return wait_until("OctoPrint receives %r" % text,
                          lambda: any(text in line for line in self.received()[since:]),
                          PATIENCE, 0.1, [self.program])
