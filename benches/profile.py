#!/usr/bin/env python3
"""Where the CPU of a request goes: `benches/profile.py [SECONDS]` (10), after `benches/run.sh --help` has built the server.

Runs the scenario of `benches/run.sh request` under perf, sampling by CPU time (virtual machines often count nothing else),
and prints, in microseconds per request: the crates whose code ran, the top 40 functions, and the nearest function of mite,
hyper's connection or wasmtime's calls that was responsible, with what ran on its behalf. Below `fiber`s and compiled guests
the stack ends: their time stands under its own heading. Needs perf, and root or kernel.perf_event_paranoid <= 1 for the
kernel's share.
"""

import collections
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
target = os.environ.get("CARGO_TARGET_DIR", os.path.join(root, "target"))
mite = os.environ.get("MITE", os.path.join(root, "target/release/mite"))
seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
cores = sorted(os.sched_getaffinity(0))


def count(address):
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        return int(connection.makefile().read())


def cpu(pid):
    """Seconds so far."""
    threads = f"/proc/{pid}/task"
    return sum(int(open(f"{threads}/{thread}/schedstat").read().split()[0]) for thread in os.listdir(threads)) / 1e9


def on(core, *command, **more):
    return subprocess.Popen(["taskset", "-c", str(core), *command], **more)


def record(directory):
    """Samples as lists of function names, innermost first, each with its thread; and the µs of a request."""
    server = on(cores[0], f"{target}/release/bench-server", stdout=subprocess.PIPE, text=True)
    generator = None
    try:
        url = server.stdout.readline().split()[-1] + "/"
        address = server.stdout.readline().split()[-1]
        config = [f"--add-to-config={pair}" for pair in (f"url:{url}", "volume:64", f"seconds:{2 * seconds + 60:g}")]
        test = ["-q", "scenario", "test", f"{root}/target/journeys/load.wasm:load", "--workers", "1", *config]
        generator = on(cores[-1], mite, *test, stdout=subprocess.DEVNULL)
        time.sleep(2)
        # What a request costs without being watched.
        requests, used = count(address), cpu(generator.pid)
        time.sleep(4)
        requests, used = count(address) - requests, cpu(generator.pid) - used
        data = os.path.join(directory, "perf.data")
        perf = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "--call-graph", "dwarf,16384", "-o", data]
        subprocess.run([*perf, "-p", str(generator.pid), "--", "sleep", str(seconds)], check=True)
    finally:
        for child in filter(None, (generator, server)):
            child.kill()
            child.wait()
    script = ["perf", "script", "-i", data, "-F", "comm,ip,sym", "--no-inline"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace") as out:
        samples = list(stacks(out.stdout))
    return samples, used * 1e6 / requests


def stacks(lines):
    thread, stack = None, []
    for line in lines:
        if line.strip() and not line[0].isspace():
            if thread is not None:
                yield thread, stack
            thread, stack = line.strip(), []
        elif line.strip():
            stack.append(line.strip().partition(" ")[2] or "[unknown]")
    if thread is not None:
        yield thread, stack


CRATES = "wasmtime|hyper|tokio|mio|httparse|http|bytes|rmp|hdrhistogram|hashbrown|foldhash|atomic_waker|cookie|url|futures"


def crate(name):
    if name == "[unknown]":
        return "guest (compiled Wasm) or unknown"
    if re.search("malloc|cfree|_int_free|realloc|unlink_chunk", name):
        return "malloc, free"
    if re.search("^__mem", name):
        return "memmove, memset"
    if "clock_gettime" in name:
        return "clock"
    if re.match(r"<?&?mite::|<impl mite::|.* for mite::", name):
        return "mite"
    if found := re.search(CRATES, name):
        return found[0]
    return "core, alloc, std" if re.match("<?&?(core|alloc|std)", name) else "other"


KERNEL = re.compile("do_syscall_64$|entry_SYSCALL|asm_|ret_from_fork|el0_")
NEAR = re.compile(r"<?&?mite::|<impl mite::|.* for mite::|<?hyper::|.*HostFn::c|.*component::func::.*call|.*(resume_fiber|FiberFuture)")


def main():
    with tempfile.TemporaryDirectory() as directory:
        samples, us = record(directory)
    crates, functions, nearest = (collections.Counter() for _ in range(3))
    behalf = collections.defaultdict(collections.Counter)
    for thread, stack in samples:
        leaf = stack[0] if stack else "[unknown]"
        worker = thread.startswith("worker")
        functions[f"{leaf}" if worker else f"{leaf} ({thread})"] += 1
        if not worker:
            crates[f"thread {thread}"] += 1
        elif any(KERNEL.match(name) for name in stack):
            crates["kernel"] += 1
            call = next((name for name in stack if re.match("__GI_|__libc_|epoll_wait|syscall$|<?rustix", name)), "no call")
            nearest[f"kernel: {call}"] += 1
        else:
            crates[crate(leaf)] += 1
            near = next((name for name in stack if NEAR.match(name)), f"nobody, in {crate(leaf)}")
            nearest[near] += 1
            behalf[near][leaf] += 1
    each = us / max(len(samples), 1)
    print(f"{us:.2f} µs of CPU a request; {len(samples)} samples")
    for title, counter, most in (("crates", crates, 30), ("functions", functions, 40), ("responsible", nearest, 45)):
        print(f"\n{title}")
        for name, samples_of in counter.most_common(most):
            whom = ", ".join(f"{leaf[:44]} {n * each:.2f}" for leaf, n in behalf[name].most_common(3)) if counter is nearest else ""
            print(f"{samples_of * each:7.2f} µs {100 * samples_of / len(samples):5.1f} %  {name[:110]}{'   <- ' + whom if whom else ''}")


main()
