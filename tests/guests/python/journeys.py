"""The journeys of the tests: ordinary asyncio code, nothing here knows about WebAssembly."""

import asyncio
import time

import hostile  # noqa: F401  journeys of another module
from mite import MiteError
from mite._wit import timing
from mite.datapools import recyclable_iterable_datapool
from mite.volume_model import Constant
from mite_http import Cookie


async def noop(ctx):
    pass


async def get(ctx):
    async with ctx.transaction("get"):
        response = await ctx.http.get(ctx.config.get("url"))
        if response.status_code != 200:
            raise MiteError(f"status {response.status_code}", status=response.status_code)


async def gather(ctx):
    url, start = ctx.config.get("url"), time.perf_counter()
    async with ctx.transaction("gather"):
        answers = await asyncio.gather(*(ctx.http.get(url) for _ in range(10)))
    ctx.send("gathered", count=len(answers), ms=(time.perf_counter() - start) * 1e3)


async def fails(ctx):
    async with ctx.transaction("outer"):
        async with ctx.transaction("inner"):
            return await look_up({}, "missing")


async def look_up(table, key):
    return table[key]


async def timeout(ctx):
    start = time.perf_counter()
    try:
        await asyncio.wait_for(slow(ctx), ctx.config.get("timeout", 0.05))
    except TimeoutError:
        ctx.send("timed_out", ms=(time.perf_counter() - start) * 1e3)


async def slow(ctx):
    async with ctx.transaction("slow"):
        await ctx.http.get(ctx.config.get("slow_url") or ctx.config.get("url"))


async def with_user(ctx, name, number):
    async with ctx.transaction("user"):
        await asyncio.sleep(0.01)  # the item is in use for a while
        ctx.send("user", name=name, number=number)


async def tour(ctx):
    """Calls everything of the contract that the others don't, so that it is bound and stays so."""
    http, seen = ctx.http, {"context_id": ctx.id, "keys": list(ctx.config), "should_stop": ctx.should_stop}
    http.set_cookie(Cookie("127.0.0.1", "sent", "1"))
    response = await http.post(ctx.config.get("url"), data=b"body", headers=[("x-tour", "1")], name="tour", timeout=5)
    response.annotate(tour=True)
    seen |= {
        "url": response.url, "header": response.headers["Content-Type"], "headers": len(response.headers_tuple),
        "body": len(response.body), "text": response.text[:20], "size": response.download_size, "ip": response.primary_ip,
        "history": [(hop.status_code, hop.url) for hop in response.history],
        "steps": response.total_time >= response.starttransfer_time >= response.pretransfer_time,
        "cookies": [(it.name, it.value, it.domain, it.path) for it in http.get_cookie_list()],
    }
    http.erase_all_cookies()
    seen["cleared"] = len(http.cookies())
    discarded = await http.get(ctx.config.get("url"), discard_body=True, allow_redirects=False, insecure=True)
    pem = "-----BEGIN CERTIFICATE-----"
    seen |= {
        "discarded": len(discarded.body), "certificate": refusal(http.identity, (pem, pem)),
        "set": refusal(ctx.config.set, "key", 1),
    }
    timing.sleep_until(timing.intended() + 1_000_000)
    ctx.send("tour", **seen)


def refusal(function, *args):
    try:
        return f"no error but {function(*args)}"
    except ValueError as error:
        return str(error)


def volume(config):
    return Constant(float(config.get("seconds", 2)), int(config.get("volume", 1)))  # of the command line they are texts


def getting(config):
    return [["get", None, volume(config)]]


def using(config):
    return [["with_user", users, volume(config)]]


@recyclable_iterable_datapool
def users(config):
    for number in range(1, int(config.get("users", 10)) + 1):
        yield f"user-{number}", number
