"""What processors have, beside the messages that they are given. Only in a component: `mite receiver` runs it.

A processor is a class with `process_message(self, message)`, `process_raw_message(self, raw)` or both, made without arguments:

    class Failures:
        def process_message(self, message):
            if message.get("type") == "exception":
                print(message["message"])

`tick(self)` is called about every 250 ms, `close(self)` at the end. What is printed goes to the receiver's standard output.
"""

from mite._message import raw_of

try:
    from componentize_py_types import Err
    from wit_world.imports import collector as _collector
    from wit_world.imports import sender as _sender
    from wit_world.imports import stats as _stats
except ImportError:
    raise ImportError("processors run in a component: mite receiver SOCKET --processor=processors.py:Name") from None

__all__ = ["Collector", "Sender", "Stats"]


def _made(function, *args):
    """What the host makes, or an OSError that says why it doesn't."""
    try:
        return function(*args)
    except Err as error:
        error.with_traceback(None)
        raise OSError(error.value) from None


class Sender:
    """A socket that messages go out by. Its endpoint has to be granted: `mite receiver ... --grant-socket=tcp://127.0.0.1:14310`."""

    def __init__(self):
        self._sender = None

    def bind(self, endpoint):
        """Listens there."""
        self._sender = _made(_sender.Sender.bind, endpoint)

    def connect(self, endpoint):
        """Connects, again and again until somebody is there."""
        self._sender = _made(_sender.Sender.connect, endpoint)

    def send(self, message):
        """Sends a message, bytes as they are and anything else as msgpack. Never waits: answers whether there was room for it (32 MiB for
        each peer)."""
        return self._host().send([raw_of(message)]) == 0

    def _host(self):
        if self._sender is None:
            raise OSError("the sender goes nowhere: call its bind() or connect() first")
        return self._sender


class Stats:
    """Folds messages into figures, as `mite stats` does; they go out every 250 ms and at the end, by a `Sender` or its `send`. `include`
    and `exclude` are names of tables, as in `mite stats`."""

    def __init__(self, sender, include=None, exclude=None):
        sender = getattr(sender, "__self__", sender)
        if not isinstance(sender, Sender):
            raise TypeError(f"figures go out by a Sender or its send, not by {sender!r}")
        settings = _stats.Settings(list(include or ()), list(exclude or ()))
        self._stats = _made(_stats.Stats.create, sender._host(), settings)

    def process(self, message):
        """Takes a message, decoded or as it came."""
        self._stats.take([raw_of(message)])


class Collector:
    """Writes messages to files, as `mite collector` does: in the directory `collector_id` of the receiver's `--collector-dir`, as many in
    each as its `--collector-roll` says. Another `target_dir` is taken for an id by its last part."""

    def __init__(self, target_dir="collector", roll_after=None, collector_filter=None, collector_id=None):
        self._filter = collector_filter
        name = str(target_dir).rstrip("/").rpartition("/")[2] if collector_id is None else str(collector_id)
        self._collector = _made(_collector.Collector.open, name)

    def process_raw_message(self, message):
        """Appends a message, decoded or as it came. An OSError is final: nothing is kept any more."""
        raw = raw_of(message)
        if self._filter is None or self._filter(raw):
            _made(self._collector.write, [raw])

    process_message = process_raw_message
