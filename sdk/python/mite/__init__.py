"""Write journeys for mite, the distributed load-testing engine, in Python.

A journey is what one user does; a scenario says how many of them there are:

    from mite.volume_model import Constant, Ramp
    from mite_http import mite_http

    @mite_http
    async def visit(ctx):
        async with ctx.transaction("front page"):
            response = await ctx.http.get(ctx.config["url"])
            if response.status_code != 200:
                raise MiteError("the front page is broken", status=response.status_code)

    def scenario():
        return [["journeys:visit", None, Ramp(10, frm=0) + Constant(60, 50)]]

Build it by `mite build journeys.py` and give it to `mite scenario test journeys.wasm:scenario`.
"""

from mite._separation import ensure_average_separation, ensure_fixed_separation, ensure_separation_from_callable
from mite._version import __version__
from mite.context import Context
from mite.exceptions import DataPoolExhausted, ElementNotFoundError, MiteError, OptionError, StopVolumeModel, check
from mite.test import test_context

__all__ = [
    "Context", "DataPoolExhausted", "ElementNotFoundError", "MiteError", "OptionError", "StopVolumeModel", "__version__", "check",
    "ensure_average_separation", "ensure_fixed_separation", "ensure_separation_from_callable", "test_context",
]
