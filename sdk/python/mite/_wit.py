"""The world `journey` of `wit/`: the host's in a component, the local one in plain CPython."""

try:
    from componentize_py_types import Err
    from wit_world.exports import journeys, scenarios
    from wit_world.imports import config, http, messages, secrets, timing, transaction, waiting
except ModuleNotFoundError:
    from mite.local.errors import Err
    from mite.local.world import config, http, journeys, messages, scenarios, secrets, timing, transaction, waiting

__all__ = ["Err", "config", "http", "journeys", "messages", "scenarios", "secrets", "timing", "transaction", "waiting"]
