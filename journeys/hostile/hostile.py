"""Journeys that do what no journey should, in Python. What each comes to is in `tests/src/hostile.rs`."""

import asyncio
import functools
import os
import socket
import subprocess
import sys
import threading

from mite._wit import http

SPOILING = "line\n\x1b[2J\x1b]0;title\x07 \u202eturned"


async def compute(ctx):
    while True:
        pass


async def recurse(ctx):
    def deeper(n):
        return deeper(n + 1) + 1

    deeper(0)


async def recurse_through_c(ctx):
    """Python counts its own frames: without that limit, the stack is the host's to guard."""
    sys.setrecursionlimit(1 << 30)

    def deeper(total, n):
        return functools.reduce(deeper, [total, n], n)

    deeper(0, 0)


async def allocate_list(ctx):
    everything = []
    while True:
        everything.append(bytearray(b"x" * (1 << 20)))


async def allocate_text(ctx):
    size = 1
    while True:
        size *= 2
        "x" * size


async def send_without_end(ctx):
    while True:
        for number in range(100):
            ctx.send("many", number=number)
        await asyncio.sleep(0)


async def send_itself(ctx):
    fields = {}
    fields["itself"] = fields
    ctx.send("circle", fields=fields)


class Turning:
    """Calls the host while it is about to be told something else."""

    def __init__(self, ctx):
        self.ctx = ctx

    def __str__(self):
        self.ctx.send("inner", id=self.ctx.id)
        return "turned"

    def __del__(self):
        self.ctx.send("last", id=self.ctx.id)


async def reenter(ctx):
    turning = Turning(ctx)
    ctx.send("outer", text=f"{turning}")
    del turning
    asyncio.get_running_loop().run_until_complete(asyncio.sleep(0))


async def forge(ctx):
    """A handle that nobody gave."""
    http.finish(http.Pending.__new__(http.Pending))


async def leave(ctx):
    os._exit(0)


async def raise_in_colour(ctx):
    print(SPOILING)
    print(SPOILING, file=sys.stderr)
    raise type(SPOILING, (Exception,), {})(SPOILING)


async def look_around(ctx):
    assert not os.environ, dict(os.environ)
    for path in ("/etc/passwd", "/proc/self/environ", "."):
        for look in (open, os.listdir):
            try:
                look(path)
            except OSError:
                continue
            raise AssertionError(f"there is {path}")
    for begin in (
        lambda: socket.create_connection(("127.0.0.1", 80), 1),
        lambda: subprocess.run(["sh"], check=False),
        threading.Thread(target=print).start,
    ):
        try:
            begin()
        except (OSError, RuntimeError, AttributeError):
            continue
        raise AssertionError(f"it may {begin}")
