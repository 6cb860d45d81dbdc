import random
from urllib.parse import urlencode

from mite import MiteError
from mite.datapools import RecyclableIterableDataPool
from mite.utils import sleep
from mite.volume_model import Constant, Ramp
from mite_http import mite_http

FORM = {"Content-Type": "application/x-www-form-urlencoded"}

# Each run of the journey gets one. "Recyclable" means that an item comes back after its run.
users = RecyclableIterableDataPool([{"user": f"user{n}", "password": "secret"} for n in range(1, 51)])


@mite_http
async def search(ctx, user):
    """What one user does."""
    shop = ctx.config.get("url", "http://127.0.0.1:14380")
    # A transaction is a named, timed part of a journey.
    async with ctx.transaction("log in"):
        response = await ctx.http.post(f"{shop}/shop/login", data=urlencode(user), headers=FORM)
        # What is wrong is counted as an error; the test goes on.
        if response.status_code != 200:
            raise MiteError("can't log in", user=user["user"], status=response.status_code)
    # People think, a second on average.
    await sleep(random.uniform(0.5, 1.5))
    async with ctx.transaction("search"):
        response = await ctx.http.get(f"{shop}/shop/search?q=tea")
        if response.status_code != 200:
            raise MiteError("the search failed", status=response.status_code)
        if not response.json()["items"]:
            raise MiteError("there is no tea")


def peak(config):
    """Which journeys run, with which data, and how many at once: up to 5 in 2 seconds, then 5 for as many as the config says."""
    seconds = float(config.get("seconds", 5))
    return [["journeys:search", users, Ramp(2, frm=0) + Constant(seconds, 5)]]
