"""What the component `load` has, for Python's runner: the same journey under the same spec, `load:load`."""
from mite.exceptions import MiteError
from mite_http import mite_http


@mite_http
async def load(ctx):
    url = ctx.config["url"]
    async with ctx.transaction("get"):
        answer = await ctx.http.get(url)
        if answer.status_code != 200:
            raise MiteError(f"{url} answered {answer.status_code}")
