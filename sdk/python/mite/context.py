"""`ctx`: what a journey is given."""

from mite._config import SETUP, config
from mite._current import current
from mite._failure import outcome
from mite._loop import DONE
from mite._packer import pack, text
from mite._wit import messages, secrets, timing
from mite._wit import transaction as host
from mite.exceptions import MiteError
from mite_http.session import Session

class Transaction:
    """A named, timed part of a run: `async with ctx.transaction("log in"):`. Which one is the current one asyncio follows,
    through tasks and all."""

    __slots__ = ("_id", "_name", "_token")

    def __init__(self, name):
        self._name = name

    def __aenter__(self):
        self._id = host.begin(self._name, current.get())
        self._token = current.set(self._id)
        return DONE

    def __aexit__(self, kind, error, trace):
        current.reset(self._token)
        host.end(self._id, outcome(error))
        return DONE


class Context:
    """What a journey is given: everything that it can do goes through this."""

    def __init__(self, context_id=1):
        #: Counts the runs of a runner from 1.
        self.id = context_id
        #: A mapping, read only.
        self.config = config
        #: Makes HTTP requests; a session for each run.
        self.http = Session()

    def transaction(self, name):
        """A named, timed part of the run. They nest; names are cut at 256 bytes; at a depth of 32, or with 1,000 open at once,
        the journey traps."""
        return Transaction(text(name))

    def send(self, message_type, **fields):
        """Sends a message. Limit: 64 fields, 64 KiB; one over it is dropped and counted."""
        messages.send(text(message_type), pack(fields), current.get())

    def secret(self, name):
        """A text that stands for a secret which the runner was given. The runner sends the secret where this text is in the value
        of a header or cookie or in a body; the journey never has it. Not in a URL."""
        stand_in = secrets.get(text(name))
        if stand_in is None:
            way_out = "name it in the runner's policy, or for a test of your own by --secret=NAME=FILE"
            raise MiteError(f"there is no secret {name!r} here: {way_out}", secret=name)
        return stand_in

    @property
    def setup(self):
        """What the `@setup` function of the scenario's component has answered; None without one."""
        return self.config.get(SETUP)

    @property
    def should_stop(self):
        """Whether the test is ending, so that a long journey should come to its end."""
        return timing.should_stop()
