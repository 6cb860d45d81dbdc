"""The data that runs of a journey get.

An item that is a tuple or list is spread over the journey's parameters after `ctx`; anything else is one argument.

Pools of an author's own have `async def checkout(self, config)`, which answers something with `.data` and raises
`DataPoolExhausted` when there is no more. They are used as an `IterableDataPool` is: nothing is checked in.
"""

import inspect
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mite.exceptions import DataPoolExhausted

__all__ = [
    "DataPoolExhausted", "DataPoolItem", "FileDataPool", "IterableDataPool", "RecyclableIterableDataPool", "SingleRunDataPool",
    "SingleRunDataPoolWrapper", "iterable_datapool", "recyclable_iterable_datapool",
]


@dataclass
class DataPoolItem:
    id: Any
    data: Any


class _Pool:
    #: The host's word for what becomes of an item after its run.
    kind = "ITERABLE"
    first_id = 1

    def __init__(self, iterable):
        self._iterable, self._left = iterable, None

    def items(self, config=None):
        """All items' data, from the first one on."""
        source = self._iterable
        if callable(source):
            source = source(config) if _takes_one(source) else source()
        return iter(source)

    async def checkout(self, config=None):
        if self._left is None:
            self._left = enumerate(self.items(config), self.first_id)
        try:
            return DataPoolItem(*next(self._left))
        except StopIteration:
            raise DataPoolExhausted from None

    async def checkin(self, id):
        pass


class IterableDataPool(_Pool):
    """Each item is used once; then the item of the scenario is over. The iterator may be endless."""


class RecyclableIterableDataPool(_Pool):
    """Each item is in use at most once at a time and comes back when its run is over. Limit: 1,000,000 items."""

    kind = "RECYCLABLE"
    first_id = 0

    async def checkout(self, config=None):
        if self._left is None:
            self._all = list(self.items(config))
            self._left = deque(range(len(self._all)))
        if not self._left:
            raise DataPoolExhausted("all items are in use")
        number = self._left.popleft()
        return DataPoolItem(number, self._all[number])

    async def checkin(self, id):
        if self._left is not None:
            self._left.append(id)


class SingleRunDataPool(_Pool):
    """One run with this item, which is one argument."""

    kind = "SINGLE_RUN"

    def __init__(self, data_item):
        super().__init__([(data_item,)])


class SingleRunDataPoolWrapper(_Pool):
    """One run with the first item of another pool."""

    kind = "SINGLE_RUN"

    def __init__(self, datapool):
        super().__init__(None)
        self._datapool = datapool

    def items(self, config=None):
        return islice(self._datapool.items(config), 1)


class FileDataPool:
    """Items from a file that the controller reads, below its working directory: `.csv` with a header line (each row a dict of
    texts), `.jsonl` or `.msgpack`."""

    def __init__(self, path, recyclable=True):
        self.kind = "RECYCLABLE" if recyclable else "ITERABLE"
        self.path = str(path)
        ending = self.path.rpartition(".")[2].lower()
        try:
            self.format = {"csv": "Csv", "jsonl": "JsonLines", "ndjson": "JsonLines", "msgpack": "Msgpack"}[ending]
        except KeyError:
            raise ValueError(f"a data file's name ends in .csv, .jsonl or .msgpack: {self.path!r}") from None


def iterable_datapool(function):
    """Makes a function that answers or yields items an `IterableDataPool`. It may take the config."""
    return IterableDataPool(function)


def recyclable_iterable_datapool(function):
    """Makes a function that answers or yields items a `RecyclableIterableDataPool`. It may take the config."""
    return RecyclableIterableDataPool(function)


def _takes_one(function):
    return bool(inspect.signature(function).parameters)
