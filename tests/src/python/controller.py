"""A controller as the Python framework's: as strict, positional arrays only; hands out runs one by one until there were enough.

controller.py ADDRESS URL RUNS SPEC...: prints a line `told JSON` at the end. URL may be two: the config changes to the second with
the first run after half of them.
"""
import collections, json, msgpack, sys, time, zmq

address, urls, runs, specs = sys.argv[1], sys.argv[2].split(), int(sys.argv[3]), sys.argv[4:]
url, changes, changed = urls[0], [["url", url] for url in urls[1:]], 0
rep = zmq.Context().socket(zmq.REP)
rep.bind(address)
handed = collections.Counter()
completed, hellos, polls, most, byes = [], 0, 0, 0, 0
next_item = 0
while True:
    kind, content = msgpack.unpackb(rep.recv(), use_list=False, raw=False, strict_map_key=False)
    if kind == 1:
        assert content is None
        hellos += 1
        reply = [1, "py:scenario", [["url", "http://wrong.invalid/"], ["url", url], ["nothing", None]]]
    elif kind == 2:
        runner, current, done, max_work = content
        assert runner == 1 and all(isinstance(key, int) and count > 0 for key, count in current.items()), content
        completed += [list(pair) for pair in done]
        most = max(most, sum(current.values()))
        work, news = [], []
        stop = sum(handed.values()) >= runs
        if not stop:
            if sum(handed.values()) >= runs // 2:
                news, changes = changes, []
            for _ in range(4 - sum(current.values())):
                number = sum(handed.values())
                scenario, spec = number % len(specs), specs[number % len(specs)]
                # Ids of all kinds come back as they went.
                item = [None, number, "item %d" % number, [number, "x"]][number % 4]
                work.append([scenario + 1, item, spec, None if item is None else []])
                handed[spec] += 1
                changed += len(urls) > 1 and not changes
        elif max_work == 0:
            polls += 1
        reply = [work, news, stop]
    elif kind == 3:
        assert content == 1
        rep.send(msgpack.packb(None))
        break
    else:
        sys.exit("a type that Python doesn't know: %r" % kind)
    rep.send(msgpack.packb(reply, use_bin_type=True))
time.sleep(0.2)
print("told " + json.dumps({"handed": handed, "completed": completed, "changed": changed, "hellos": hellos, "polls": polls, "most": most}))
