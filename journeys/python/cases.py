"""The ten cases that every language has, and what stands around runs, in Python: see `journeys/golden/README.md`."""

import asyncio
import time

from library import library  # noqa: F401  a journey of another module
from mite import MiteError, check, ensure_average_separation, ensure_fixed_separation
from mite.datapools import RecyclableIterableDataPool
from mite.scenario import StopVolumeModel, on_start, on_stop, setup
from mite.volume_model import Constant
from mite_http import mite_http


async def hello(ctx):
    ctx.send("hello", text="hello, world", number=42, share=0.5, list=[1, 2, 3], yes=True)


@mite_http
async def http_get(ctx):
    async with ctx.transaction("get"):
        response = await ctx.http.get(ctx.config["url"] + "/json")
        check(response.status_code == 200, f"the document answered {response.status_code}")
        ctx.send("got", type_of_content=response.headers["Content-Type"], size=len(response.body))


@mite_http
async def post_json(ctx):
    async with ctx.transaction("post"):
        item = {"name": "tea", "price": 4.5}
        response = await ctx.http.post(ctx.config["url"] + "/api/items", json=item, name="make an item")
        made = response.json()
        ctx.send("made", status=response.status_code, id=made["id"], name=made["name"])


@mite_http
async def login_cookie(ctx):
    url = ctx.config["url"]
    async with ctx.transaction("log in"):
        front = await ctx.http.post(url + "/shop/login", data={"user": "user1", "password": "secret"})
        check(len(front.history) == 1, "logging in leads to the front page")
    basket = await ctx.http.get(url + "/shop/basket")
    ctx.send("basket", status=basket.status_code, cookies=list(ctx.http.cookies()))


async def nested_transactions(ctx):
    async with ctx.transaction("outer"):
        async with ctx.transaction("first"):
            ctx.send("step", number=1)
        async with ctx.transaction("second"):
            async with ctx.transaction("inner"):
                ctx.send("step", number=2)


@mite_http
async def failing_check(ctx):
    async with ctx.transaction("broken"):
        response = await ctx.http.get(ctx.config["url"] + "/status/503")
        check(response.status_code == 200, f"the page answered {response.status_code}")


async def error_with_fields(ctx):
    async with ctx.transaction("buy"):
        async with ctx.transaction("pay"):
            raise MiteError("sold out", left=0, item="tea")


@mite_http
async def parallel_requests(ctx):
    async with ctx.transaction("side by side"):
        requests = (ctx.http.get(ctx.config["url"] + "/delay/100") for _ in range(10))
        answers = await asyncio.gather(*requests)
    ctx.send("answers", count=len(answers))


users = RecyclableIterableDataPool(({"name": f"user{n}", "password": "secret"}, n) for n in range(1, 4))


async def datapool_arguments(ctx, user, number):
    ctx.send("user", name=user["name"], password=user["password"], number=number)


async def think_time(ctx):
    start = time.monotonic()
    async with ctx.transaction("think"):
        async with ensure_fixed_separation(0.05):
            pass
        async with ensure_average_separation(0.04, 0.01):
            pass
        await asyncio.sleep(0.01)
    ctx.send("thought", long_enough=time.monotonic() - start >= 0.085)


@setup
async def prepare(ctx):
    if "around" not in ctx.config:
        return None
    answer = await ctx.http.get(ctx.config["url"] + "/json")
    return {"status": answer.status_code, "size": len(answer.body)}


entered = runs = 0


@on_start("around")
@mite_http
async def log_in(ctx):
    global entered
    check(ctx.config.get("around") != "broken", "closed today")
    async with ctx.transaction("log in"):
        await ctx.http.post(ctx.config["url"] + "/shop/login", data={"user": "user1", "password": "secret"})
    entered += 1


@mite_http
async def around(ctx):
    global runs
    async with ensure_fixed_separation(0.05):
        basket = await ctx.http.get(ctx.config["url"] + "/shop/basket")
    runs += 1
    ctx.send("around", setup=ctx.setup, entered=entered, status=basket.status_code)


@on_stop("around")
async def log_out(ctx):
    basket = await ctx.http.get(ctx.config["url"] + "/shop/basket")
    ctx.send("left", status=basket.status_code, runs=runs)


def three_seconds(start, end):
    if end > 3:
        raise StopVolumeModel
    return 1


def scenario():
    return [
        ["cases:think_time", None, Constant(1, 1)],
        ["cases:datapool_arguments", RecyclableIterableDataPool([({"name": "ada", "password": ""}, 1)]), three_seconds],
    ]
