"""What belongs to scenarios."""

from mite.exceptions import StopVolumeModel

__all__ = ["StopVolumeModel", "setup"]


def setup(function):
    """Marks a function, of nothing or of `config`, that is called once a test, on the controller, before the scenario function. Every
    journey finds its answer in `ctx.setup`. Limit: 64 KiB of what a message can have."""
    function._mite_setup = True
    return function
