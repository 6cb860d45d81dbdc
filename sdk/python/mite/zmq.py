"""Of processors: messages to other programs. See `mite.processor`."""

from mite.processor import Sender

__all__ = ["Sender"]
