"""A runner as the Python framework's: asks for work, "runs" each journey for a while, says what ended; then drains and says bye.

runner.py CONTROLLER SECONDS_A_RUN [SECONDS_UNTIL_SILENT]: prints a line `told JSON` at the end.
"""
import collections, json, msgpack, sys, time, zmq

address, lasts = sys.argv[1], float(sys.argv[2])
silent = time.time() + float(sys.argv[3]) if len(sys.argv) > 3 else None
req = zmq.Context().socket(zmq.REQ)
req.connect(address)


def ask(kind, content):
    req.send(msgpack.packb([kind, content], use_bin_type=True))
    return msgpack.unpackb(req.recv(), use_list=False, raw=False, strict_map_key=False)


runner, test, config = ask(1, None)
config = {key: value for key, value in config}
running, completed, stop = [], [], False
runs, items, most, twice = collections.Counter(), collections.Counter(), 0, 0
# Changes of the config, and runs whose number the config's `value` had not reached yet.
news, early = 0, 0
while True:
    if silent and time.time() > silent:
        time.sleep(3600)
    current = collections.Counter(scenario for _, scenario, _ in running)
    work, changes, stop = ask(2, [runner, dict(current), completed, 0 if stop else None])
    assert stop in (True, False) and isinstance(changes, tuple)
    news += len(changes)
    config.update(changes)
    if stop and not running:
        break
    for scenario, data, spec, args in () if stop else work:
        twice += sum(1 for _, other, used in running if (other, used) == (scenario, data) and data is not None)
        assert (data is None) == (args is None), (data, args)
        running.append((time.time() + lasts, scenario, data))
        runs[spec] += 1
        items[json.dumps(args)] += 1
        early += args is not None and config.get("value", args[0]) < args[0]
    most = max(most, len(running))
    time.sleep(max(0, min([end for end, _, _ in running] + [time.time() + 0.2]) - time.time()))
    now = time.time()
    ended = [run for run in running if run[0] <= now]
    running = [run for run in running if run[0] > now]
    completed = [[scenario, data] for _, scenario, data in ended if data is not None]
assert ask(3, runner) is None
print("told " + json.dumps({
    "runner": runner, "test": test, "config": sorted(config), "url": config.get("url"),
    "runs": runs, "items": items, "most": most, "twice": twice,
    "changes": news, "early": early,
}))
