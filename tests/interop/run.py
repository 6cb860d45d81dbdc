#!/usr/bin/env python3
"""Live pipelines of Python mite's components and ours: each component replaced by the other's, one at a time, both ways.

    tests/interop/run.py [RUN...]

Prints what was swapped and what came of it; ends with 1 if anything differs. See docs/interop.md.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / "target/interop-venv"
# `curl/curl.h` and a compiler: acurl, Python mite's HTTP library, comes as source.
DEBIAN = ["gcc", "libc6-dev", "python3-dev", "python3-venv", "libcurl4-openssl-dev"]


def install():
    """Python mite in an environment of its own."""
    if (VENV / "bin/mite").exists():
        return
    there = subprocess.run(["dpkg", "-s", *DEBIAN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if there.returncode != 0:
        command = ["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN]
        if os.geteuid() != 0:
            sys.exit(f"Python mite needs: {' '.join(command)}")
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(command, check=True)
    print("installing Python mite: minutes, once", flush=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([VENV / "bin/pip", "install", "-q", "mite==2.11.0"], check=True)


if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
    install()
    os.execv(VENV / "bin/python", [VENV / "bin/python", __file__, *sys.argv[1:]])

import msgpack  # noqa: E402: the environment has it, not who starts this
import zmq  # noqa: E402

import compare  # noqa: E402
from parts import COMPONENTS, OURS, Pipeline, until  # noqa: E402
from server import Server  # noqa: E402


def settled(pipeline):
    """Sends the recorder's items, waits until everything has arrived, and answers the exporter's series.

    Python's stats sends what it has only when a message comes, and Python's collector writes only when its buffer is full: so further
    messages, large ones, push out what is before them.
    """
    push = zmq.Context.instance().socket(zmq.PUSH)
    push.linger = 0
    push.connect(pipeline.bus)

    def send(kind, **fields):
        if push.poll(10_000, zmq.POLLOUT):
            push.send(msgpack.packb({**fields, "type": kind}))

    send("data_created", name="gone", data=1)
    send("purge_data", name="gone")
    for item in compare.ITEMS:
        send("data_created", name="kept", data=item)
    seen = []

    def state():
        send("filler", filler=bytes(65536))
        time.sleep(0.4)
        try:
            series = compare.scrape(pipeline.metrics)
        except OSError:
            series = {}
        counted = {key: value for key, value in series.items() if not compare.OWN.match(key[0])}
        collected = sum(message["type"] != "filler" for message in compare.messages(pipeline.folder / "collected"))
        seen.append((counted, collected, len(compare.items(pipeline.folder / "recorded/kept.msgpack"))))
        return all(seen[-1]) and len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    if not until(state, 20):
        print("  it never settled:", *((len(counted), *rest) for counted, *rest in seen[-3:]))
    push.close()
    return seen[-1][0]


def run(ours):
    """One test; answers its result and what was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="interop-"))
    server = Server()
    pipeline = Pipeline(ours, server.url, folder)
    try:
        wrong = pipeline.run()
        result = None
        if not wrong:
            series = settled(pipeline)
            wrong = pipeline.stop()
            result = compare.Result(server.statuses, folder, series)
            wrong += result.wrong()
    finally:
        pipeline.kill()
        server.close()
    if wrong:
        print(f"  logs: {folder}")
    else:
        shutil.rmtree(folder)
    return result, wrong


def main():
    if not Path(OURS).exists():
        sys.exit(f"{OURS} is missing: run `make build`")
    everything = set(COMPONENTS)
    plan = {"all Python": set(), "all ours": everything}
    plan |= {f"Python, {name} ours": {name} for name in COMPONENTS}
    plan |= {f"ours, {name} Python": everything - {name} for name in COMPONENTS}
    only, reference, rows = sys.argv[1:], None, []
    for title, ours in plan.items():
        # The first is what the others are compared with.
        if only and title not in only and reference:
            continue
        result, wrong = run(ours)
        reference = reference or result
        if result and reference:
            wrong += result.unlike(reference)
        requests, kept, series = (sum(result.statuses.values()), len(result.messages), len(result.series)) if result else (0, 0, 0)
        rows.append(f"{title:26}{requests:>10}{kept:>10}{series:>8}  {'differs' if wrong else 'same'}")
        print(rows[-1], *(f"  {line}" for line in wrong), sep="\n", flush=True)
    print(f"\n{'pipeline':26}{'requests':>10}{'messages':>10}{'series':>8}  counts, fields, labels, ends", *rows, sep="\n")
    sys.exit(any(row.endswith("differs") for row in rows))


if __name__ == "__main__":
    main()
