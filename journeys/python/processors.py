"""Processors for `mite receiver`: figures to another program, files of its own, and lines."""

from mite.collector import Collector
from mite.stats import Stats
from mite.zmq import Sender


class StatsProcessor:
    """Figures of all messages, for whoever connects to this endpoint: grant it with `--grant-socket`."""

    def __init__(self):
        sender = Sender()
        sender.bind("tcp://127.0.0.1:14310")
        self._stats = Stats(sender=sender.send)

    def process_message(self, message):
        self._stats.process(message)


class CollectorProcessor:
    """All messages, in files of the directory `mine`."""

    def __init__(self):
        self._collector = Collector(collector_id="mine")

    def process_raw_message(self, message):
        self._collector.process_raw_message(message)


class PrintProcessor:
    """All messages, a line each."""

    def process_message(self, message):
        print(message)
