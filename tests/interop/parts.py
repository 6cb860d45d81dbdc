"""The processes of a pipeline: how each component is started, ours or Python's, and how it is ended."""
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = os.environ.get("MITE", str(ROOT / "target/release/mite"))
JOURNEYS = os.environ.get("MITE_PATH", str(ROOT / "target/journeys"))
PYTHONS = str(Path(sys.executable).parent / "mite")

TEST, JOURNEY, SECONDS, VOLUME = "probe:plan", "load:load", 3, 3
COMPONENTS = ("controller", "runner", "duplicator", "stats", "collector", "recorder", "exporter")
# A component that compiles, or Python that imports, on a busy machine: nothing here is measured.
PATIENCE = float(os.environ.get("PATIENCE", 60))


def free_ports(count):
    """Ports that nobody has. All are held until the last is known, so that they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def until(what, patience=PATIENCE, every=0.1):
    """Asks again and again until the answer is a true one; answers the last one."""
    end = time.monotonic() + patience
    while not (answer := what()) and time.monotonic() < end:
        time.sleep(every)
    return answer


def connections(port, state="01"):
    """How many connections there are to a port of this machine (`01`: established), or sockets that listen there (`0A`)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == state for row in rows)


class Part:
    """A component that runs."""

    def __init__(self, name, ours, arguments, folder):
        self.name, self.ours = name, ours
        self.log = folder / f"{name}.log"
        command = {"exporter": "prometheus_exporter"}.get(name, name)
        environment = os.environ | {
            "MITE_PATH": JOURNEYS,
            "PYTHONPATH": str(Path(__file__).parent / "journeys"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [OURS if ours else PYTHONS, command, *arguments], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT)

    def ended(self, patience):
        """Its exit code; None if it goes on."""
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """With SIGTERM; answers what was wrong with that. Python's die of the signal, ours drain and end with 0."""
        if self.process.poll() is not None:
            return f"{self.name} ended by itself with {self.process.returncode}"
        self.process.send_signal(signal.SIGTERM)
        code = self.ended(20)
        if code is None:
            self.kill()
            return f"{self.name} goes on after SIGTERM"
        allowed = (0,) if self.ours else (0, -signal.SIGTERM, 128 + signal.SIGTERM)
        return None if code in allowed else f"{self.name} ended with {code} after SIGTERM"

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Pipeline:
    """All components, of which `ours` are ours and the others Python's."""

    def __init__(self, ours, url, folder):
        self.folder, self.parts = folder, {}
        control, bus, to_collector, to_stats, to_recorder, dumps, web = free_ports(7)
        self.bus = f"tcp://127.0.0.1:{bus}"
        self.metrics = f"http://127.0.0.1:{web}/metrics"
        asks = (f"--controller-socket=tcp://127.0.0.1:{control}", f"--message-socket={self.bus}")
        # Three consumers and stats connect; the exporter's page is there. So does Python's runner; ours only when it has a controller.
        buses = () if "runner" in ours else (bus,)
        self.wanted = [*((port, "01") for port in (*buses, to_collector, to_stats, to_recorder, dumps)), (web, "0A")]
        config = {"journey": JOURNEY, "url": url, "seconds": SECONDS, "volume": VOLUME}
        arguments = {
            "exporter": (f"--stats-out-socket=tcp://127.0.0.1:{dumps}", f"--web-address=127.0.0.1:{web}"),
            "stats": (f"--stats-in-socket=tcp://127.0.0.1:{to_stats}", f"--stats-out-socket=tcp://127.0.0.1:{dumps}"),
            "collector": (f"--collector-socket=tcp://127.0.0.1:{to_collector}", f"--collector-dir={folder / 'collected'}"),
            "recorder": (f"--recorder-socket=tcp://127.0.0.1:{to_recorder}", f"--recorder-dir={folder / 'recorded'}"),
            # An output for each: Python's duplicator can't tell a collector from a recorder.
            "duplicator": (f"--message-socket={self.bus}",
                           *(f"tcp://127.0.0.1:{port}" for port in (to_collector, to_stats, to_recorder))),
            "runner": asks,
            # One in four requests fails: that is what the server is for.
            "controller": (TEST, *asks, "--max-errors-threshold=1000000", *(f"--add-to-config={key}:{value}" for key, value in config.items())),
        }
        self.start = lambda name: self.parts.update({name: Part(name, name in ours, arguments[name], folder)})

    def run(self):
        """Runs the test; answers what was wrong."""
        for name in COMPONENTS[1:]:
            self.start(name)
        if not until(lambda: all(connections(*one) for one in self.wanted)):
            return [f"not all connected; ended: {[name for name, part in self.parts.items() if part.process.poll() is not None]}"]
        # The clock of Python's controller begins with its process, so it is the last.
        self.start("controller")
        codes = {name: self.parts[name].ended(PATIENCE) for name in ("controller", "runner")}
        return [f"{name} ended with {code}" if code else f"{name} doesn't end" for name, code in codes.items() if code != 0]

    def stop(self):
        """Downstream, so that nobody's messages are cut off; answers what was wrong."""
        order = ("duplicator", "collector", "recorder", "stats", "exporter")
        return [wrong for name in order if (wrong := self.parts[name].stop())]

    def kill(self):
        for part in self.parts.values():
            part.kill()
