"""What stands around the runs of a test: functions marked by `setup`, `on_start` and `on_stop`."""

from mite._config import config
from mite._loop import loop
from mite._packer import pack
from mite._planner import call
from mite.context import Context


def mark(kind, names):
    """A decorator, or what one has done: `@on_start` and `@on_start("buy")` are the same but for the journeys."""
    function = names[0] if len(names) == 1 and callable(names[0]) else None
    if function is not None:
        return _marked(function, kind, ())
    return lambda function: _marked(function, kind, names)


def _marked(function, kind, names):
    function._mite_hook = kind, names
    return function


def setup(registry):
    """What the `@setup` function answers, as msgpack; None without one."""
    setups = registry.hooks["setup"]
    if len(setups) > 1:
        raise TypeError(f"one function is `@setup`, not {len(setups)}")
    for function in setups:
        config.forget()
        answer = call(function, ctx=Context(0))
        return pack(loop.run(answer) if hasattr(answer, "__await__") else answer)
    return None


def run(registry, kind, journey):
    """All of a kind that are for this journey."""
    for function in registry.hooks[kind]:
        names = function._mite_hook[1]
        if not names or journey in {registry.find_journey(name) for name in names}:
            config.forget()
            answer = function(Context(0))
            if hasattr(answer, "__await__"):
                loop.run(answer)
