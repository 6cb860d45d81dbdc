"""A PULL socket, bound; with SIGTERM it takes what is there still and prints, as JSON, what messages of each run of a test there were: how
many, and which values their `test`, `journey` and `type` have. Those that Python's msgpack can't read are counted under `unreadable`."""

import collections
import json
import signal
import sys

import msgpack
import zmq

SHOWN = 300  # values of a field

over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
pull = zmq.Context().socket(zmq.PULL)
pull.bind(sys.argv[1])
runs = collections.defaultdict(lambda: {"count": 0, "test": set(), "journey": set(), "type": set()})
while True:
    if not pull.poll(200):
        if over:
            break
        continue
    frame = pull.recv()
    try:
        message = msgpack.unpackb(frame, use_list=False, strict_map_key=False)
    except ValueError:
        runs["unreadable"]["count"] += 1
        continue
    run = runs[message["run_id"]]
    run["count"] += 1
    for field in ("test", "journey", "type"):
        if len(run[field]) < SHOWN:
            run[field].add(message.get(field))
print("runs " + json.dumps(runs, default=lambda some: sorted(some, key=str)))
