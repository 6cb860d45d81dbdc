"""What belongs to scenarios."""

from mite._hooks import mark
from mite.exceptions import StopVolumeModel

__all__ = ["StopVolumeModel", "on_start", "on_stop", "setup"]


def setup(function):
    """Marks a function, of nothing, of `config` or (then it may be async) of `ctx`, that is called once a test, on the controller, before
    the scenario function. Every journey finds its answer in `ctx.setup`. Limit: 64 KiB of what a message can have."""
    return mark("setup", [function])


def on_start(*names):
    """Marks an `async` function of `ctx` that is called once where a journey is about to run, before its first run there, and in no figure:
    `@on_start`, or `@on_start("buy", "look")` for these journeys only. One that raises is called again a second later."""
    return mark("on_start", names)


def on_stop(*names):
    """The same for when no more runs come there."""
    return mark("on_stop", names)
