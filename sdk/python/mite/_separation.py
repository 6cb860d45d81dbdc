"""Keeping a pace."""

import asyncio
import random

from mite._loop import DONE, loop
from mite._wit import timing


class _Separation:
    """Makes a block last at least a time, also where it fails. The time counts from when the journey was meant to go on, so
    that late timers don't add up."""

    __slots__ = ("_seconds", "_start")

    def __init__(self, seconds):
        self._seconds = seconds

    def __aenter__(self):
        self._start = timing.intended()
        return DONE

    def __aexit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, (asyncio.CancelledError, GeneratorExit)):
            return DONE
        at = self._start + max(int(self._seconds() * 1e9), 0)
        if loop.alone():
            timing.sleep_until(at)
            return DONE
        return loop.sleep_until(at)


def ensure_fixed_separation(separation, loop=None):
    """`async with ensure_fixed_separation(1):` makes the block last at least so many seconds. There is one `loop`, whatever is given."""
    return _Separation(lambda: separation)


def ensure_average_separation(mean_separation, plus_minus=None, loop=None):
    """The same for a time drawn evenly from `mean_separation` plus or minus `plus_minus`, a quarter of the mean unless given."""
    width = mean_separation * 0.25 if plus_minus is None else plus_minus
    return _Separation(lambda: mean_separation + random.uniform(-width, width))


def ensure_separation_from_callable(function, loop=None):
    """The same for what `function()` answers at the end of the block."""
    return _Separation(function)
