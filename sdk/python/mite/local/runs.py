"""One run of a journey."""

from mite import _failure
from mite._config import SETUP
from mite._config import config as shared
from mite._loop import loop
from mite.context import Context
from mite.local.world import state, transaction


class Ran:
    """What came out: `messages`, dicts as the pipeline has them; `result`, what the journey returned; `error`, what it raised."""

    def __init__(self, messages, result, error):
        self.messages, self.result, self.error = messages, result, error

    def of_type(self, message_type):
        return [message for message in self.messages if message["type"] == message_type]

    def check(self):
        """Raises what the journey has raised."""
        if self.error is not None:
            raise self.error
        return self


_runs = 0


def run(journey, *args, config=None, recording=None, setup=None, cookies=None):
    """Runs a journey once, with real responses or those of `recording(method, url, body)`, which answers
    `(status, headers, body)` or None for a real one. `setup` is what it finds in `ctx.setup`, `cookies` a jar that its session begins with."""
    global _runs
    _runs += 1
    going = state.begin(config)
    if setup is not None:
        going.config[SETUP] = setup
    if cookies is not None:
        going.cookies = cookies
    going.recording = recording
    shared.at(_runs)
    loop.set_exception_handler(_failure.tell_orphan)
    result, error = None, None
    try:
        result = loop.run(journey(Context(_runs), *args))
    except Exception as raised:
        error = raised
    outcome = _failure.outcome(error)
    transaction.end(1, outcome)
    return Ran(going.messages, result, error)
