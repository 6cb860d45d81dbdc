"""The component's exports. Nothing is raised here but what the contract knows: anything else would be a trap.

`load` is called by the module that `mite.build` writes; it is the last thing that happens before the instance is frozen.
"""

import gc
import importlib
import os
import random
import sys

# Python imports these only when they are needed, and a component has no files then.
import encodings.idna  # noqa: F401
import encodings.latin_1  # noqa: F401
import encodings.utf_16  # noqa: F401
import html.parser  # noqa: F401

import mite_browser  # noqa: F401
import mite_http  # noqa: F401
from mite import _failure, _hooks, _lean
from mite._config import config
from mite._loop import DONE, loop
from mite._packer import pack, unpack
from mite._planner import Planner
from mite._registry import Registry
from mite._told import tell
from mite._version import __version__
from mite._wit import Err, journeys
from mite.context import Context

registry = planner = None
_seeded = False


def load(module_name, root):
    """Imports the author's module, which is below the directory `root`, and finds out what it has."""
    global registry, planner
    root = os.path.join(root, "")
    _failure.set_root(root)
    try:
        entry = importlib.import_module(module_name)
        registry = Registry.of(entry, root)
        if not registry.journeys and not registry.scenarios:
            raise LookupError("there is no journey in it, which is an `async def visit(ctx):`, and no scenario")
    except BaseException as error:
        tell(error, root, _failure.location(error))
        raise
    planner = Planner(registry)
    _failure.keep_sources([module.__file__ for module in registry.modules.values()])
    _warm()
    gc.collect()
    gc.freeze()  # what is in the image is never garbage: collections must not touch its pages


def _warm():
    """Python adapts code to what it is run with, and writes that into the code. Done before the image is frozen, every instance
    shares those pages. Nothing here calls the host, which isn't there yet."""

    async def nothing():
        Context(1).http.additional_metrics
        await DONE

    for number in range(50):
        loop.run(nothing())
        unpack(pack([{"text": "a", "number": number, "share": 0.5, "none": None}]))
        config.at(number)
        _failure.outcome(None)


def run(context):
    """Runs one journey; every exception becomes the `ending` of the WIT result."""
    try:
        journey, args, context_id, config_version = context
        if not _seeded:
            _fresh()
        if config_version != config.version:
            config.at(config_version)
        function = registry.journeys[journey]
        ctx = Context(context_id)
        result = function(ctx, *unpack(args)) if args else function(ctx)
        if hasattr(result, "__await__"):
            loop.run(result)
    except BaseException as error:
        reported = _failure.reported(error)
        told = journeys.Ending_Reported() if reported else journeys.Ending_Failed(_failure.failure(error))
        raise Err(told) from None


def _fresh():
    """The build froze the state of chance into the image."""
    global _seeded
    if not _seeded:
        random.seed()
        _seeded = True


def _guarded(function, *args):
    """Calls a function of the scenario; every exception becomes its `failure`."""
    try:
        _fresh()
        return function(*args)
    except BaseException as error:
        raise Err(_failure.failure(error)) from None


class Journeys:
    def describe(self):
        return journeys.Contents(
            list(registry.journeys), list(registry.scenarios), list(registry.datapools), list(registry.volume_models),
            f"python {__version__}",
        )

    run = staticmethod(run)


class Scenarios:
    def scenario(self, name):
        return _guarded(planner.scenario, name)

    def datapool(self, name):
        return _guarded(planner.datapool, name)

    def items(self, datapool, most):
        return _guarded(planner.items, datapool, most)

    def required(self, model, start, end):
        return _guarded(planner.required, model, start, end)


class Hooks:
    def setup(self):
        return _guarded(_hooks.setup, registry)

    def enter(self, journey):
        _hook("on_start", journey)

    def leave(self, journey):
        _hook("on_stop", journey)


def _hook(kind, journey):
    try:
        _fresh()
        _hooks.run(registry, kind, journey)
    except BaseException as error:
        raise Err(None if _failure.reported(error) else _failure.failure(error)) from None


loop.set_exception_handler(_failure.tell_orphan)
_lean.install()
