"""One request and a check, as `load` in Rust. The Python framework runs this very file, too."""
from mite.exceptions import MiteError
from mite_http import mite_http


@mite_http
async def get(ctx):
    url = ctx.config["url"]
    async with ctx.transaction("get"):
        answer = await ctx.http.get(url)
        if answer.status_code != 200:
            raise MiteError(f"{url} answered {answer.status_code}")


async def nothing(ctx):
    """What a run costs."""
