"""Of processors: figures of messages. See `mite.processor`."""

from mite.processor import Stats

__all__ = ["Stats"]
