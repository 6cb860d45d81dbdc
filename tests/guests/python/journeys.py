"""The journeys of the tests: ordinary asyncio code, nothing here knows about WebAssembly."""

import asyncio
import time

from sdk import MiteError, constant, datapool, item, journey, scenario


@journey
async def noop(ctx):
    pass


@journey
async def get(ctx):
    async with ctx.transaction("get"):
        response = await ctx.http.get(ctx.config.get("url"))
        if response.status != 200:
            raise MiteError(f"status {response.status}", status=response.status)


@journey
async def gather(ctx):
    url, start = ctx.config.get("url"), time.perf_counter()
    async with ctx.transaction("gather"):
        answers = await asyncio.gather(*(ctx.http.get(url) for _ in range(10)))
    ctx.send("gathered", count=len(answers), ms=(time.perf_counter() - start) * 1e3)


@journey
async def fails(ctx):
    async with ctx.transaction("outer"):
        async with ctx.transaction("inner"):
            return await look_up({}, "missing")


async def look_up(table, key):
    return table[key]


@journey
async def timeout(ctx):
    start = time.perf_counter()
    try:
        await asyncio.wait_for(slow(ctx), ctx.config.get("timeout", 0.05))
    except TimeoutError:
        ctx.send("timed_out", ms=(time.perf_counter() - start) * 1e3)


async def slow(ctx):
    async with ctx.transaction("slow"):
        await ctx.http.get(ctx.config.get("slow_url") or ctx.config.get("url"))


@journey
async def with_user(ctx, name, number):
    async with ctx.transaction("user"):
        await asyncio.sleep(0.01)  # the item is in use for a while
        ctx.send("user", name=name, number=number)


@journey
async def tour(ctx):
    """Calls everything of the contract that the others don't, so that it is bound and stays so."""
    http, seen = ctx.http, {"context_id": ctx.context_id, "keys": ctx.config.keys(), "should_stop": ctx.should_stop}
    http.set_cookie("sent", "1", "127.0.0.1")
    response = await http.post(ctx.config.get("url"), body=b"body", headers=[("x-tour", "1")], name="tour", timeout=5)
    response.annotate(tour=True)
    timings = response.timings
    seen |= {
        "url": response.url, "header": response.header("Content-Type"), "headers": len(response.headers),
        "body": len(response.body), "text": response.text[:20], "size": response.body_size, "ip": response.primary_ip,
        "history": response.history, "steps": timings.total >= timings.first_byte >= timings.transfer_start,
        "cookies": [(c.name, c.value, c.domain, c.path) for c in http.cookies()],
    }
    http.clear_cookies()
    seen["cleared"] = len(http.cookies())
    discarded = await http.get(ctx.config.get("url"), discard_body=True, max_redirects=0, insecure=True)
    seen["discarded"] = len(discarded.body)
    seen |= {"certificate": refusal(http.identity, "no chain", "no key"), "set": refusal(ctx.config.set, "key", 1)}
    ctx.sleep_until(ctx.intended + 1_000_000)
    ctx.send("tour", **seen)


def refusal(function, *args):
    try:
        return f"no error but {function(*args)}"
    except ValueError as error:
        return str(error)


def volume(config):
    return constant(config.get("seconds", 2), config.get("volume", 1))


@scenario("get")
def plan_get(config):
    return [item("get", volume(config))]


@scenario("gather")
def plan_gather(config):
    return [item("gather", volume(config))]


@scenario("users")
def plan_users(config):
    return [item("with_user", volume(config), datapool="users")]


@datapool("users", "recyclable")
def users(config):
    for number in range(1, int(config.get("users", 10)) + 1):
        yield f"user-{number}", number
