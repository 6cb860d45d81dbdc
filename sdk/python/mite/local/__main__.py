"""The command `python -m mite.local`: a journey, once, under plain CPython."""

import argparse
import asyncio
import importlib
import os
import sys
import traceback

from mite import _hooks
from mite._config import SETUP
from mite._packer import unpack
from mite._registry import Registry
from mite.build.sources import Sources
from mite.local.runs import run
from mite.local.world import state

EXAMPLE = """example:
  python -m mite.local journeys.py:visit --add-to-config=url:http://127.0.0.1:14380/json
  python -m pdb -m mite.local journeys.py:visit
"""


def main():
    parser = argparse.ArgumentParser(
        "mite.local", description="Runs a journey once under plain CPython and prints its messages.", epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", metavar="FILE.py:JOURNEY")
    parser.add_argument("datapool", metavar="DATAPOOL", nargs="?", help="a datapool of the file; its first item is used")
    parser.add_argument("--add-to-config", metavar="NAME:VALUE", action="append", default=[])
    arguments = parser.parse_args()
    path, _, name = arguments.spec.rpartition(":")
    if not os.path.exists(path):
        print(f"{arguments.spec}: there is no file {path or arguments.spec!r}; give FILE.py:JOURNEY", file=sys.stderr)
        return 104
    sources = Sources(path)
    sys.path[:0] = [sources.root]
    registry = Registry(importlib.import_module(sources.entry))
    try:
        name = registry.find_journey(name)
        journey = registry.journeys[name]
        args = first_item(registry, arguments.datapool)
    except (LookupError, TypeError) as error:
        print(f"{path}: {error.args[0]}", file=sys.stderr)
        return 104
    config = {name.removeprefix("MITE_CONF_"): value for name, value in os.environ.items() if name.startswith("MITE_CONF_")}
    config |= {key: value for key, _, value in (entry.partition(":") for entry in arguments.add_to_config)}
    state.begin(config)
    packed = _hooks.setup(registry)
    if packed is not None:
        config[SETUP] = unpack(packed)
    cookies = around(registry, "on_start", name, config)
    ran = run(journey, *args, config=config, cookies=cookies)
    around(registry, "on_stop", name, config, cookies)
    return show(ran)


def around(registry, kind, name, config, cookies=None):
    """Calls what stands around the run, with messages that nobody sees but those of its own; answers its cookies."""
    going = state.begin(config)
    going.cookies = cookies or going.cookies
    _hooks.run(registry, kind, name)
    return going.cookies


def first_item(registry, name):
    """The arguments that the first run gets."""
    if name is None:
        return ()
    if name not in registry.datapools:
        raise LookupError(f"there is no datapool {name!r}; there is: {', '.join(registry.datapools) or 'none'}")
    data = asyncio.run(registry.datapools[name].checkout(None)).data
    return data if isinstance(data, (tuple, list)) else (data,)


def show(ran):
    for message in ran.messages:
        shown = {key: value for key, value in message.items() if key not in ("type", "time", "stacktrace")}
        print(message["type"], " ".join(f"{key}={value!r}" for key, value in shown.items()))
    if ran.error is None:
        return 0
    traceback.print_exception(ran.error)
    return 99


sys.exit(main())
