"""Of processors: messages into files. See `mite.processor`."""

from mite.processor import Collector

__all__ = ["Collector"]
