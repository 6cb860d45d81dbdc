"""Scenarios in the host's words."""

import itertools
import math

from mite._config import config
from mite._loop import loop
from mite._packer import pack, text, unsigned
from mite._registry import _required
from mite._wit import messages, scenarios
from mite.datapools import FileDataPool
from mite.exceptions import DataPoolExhausted, StopVolumeModel
from mite.volume_model import Composite, Constant, Nothing, Ramp


class Sender:
    """`sender` of a scenario function."""

    def send(self, message):
        """Sends a message, a dict with `type`."""
        fields = dict(message)
        messages.send(text(fields.pop("type")), pack(fields), 1)


class Planner:
    def __init__(self, registry):
        self._registry, self._open = registry, {}

    def scenario(self, name):
        function = _look_up(self._registry.scenarios, "scenario", name)
        items = call(function)
        if not isinstance(items, (list, tuple)):
            raise TypeError(f"a scenario is a list of [journey, datapool, volume model]; {name}() gave {items!r}")
        return [self._item(name, index, item) for index, item in enumerate(items, 1)]

    def _item(self, scenario, index, item):
        try:
            journey, datapool, volume = item
        except (TypeError, ValueError):
            raise TypeError(f"item {index} isn't [journey, datapool or None, volume model]: {item!r}") from None
        if callable(journey):
            journey = f"{journey.__module__}:{journey.__name__}"
        journey = self._registry.find_journey(text(journey))
        if datapool is not None:
            datapool = self._registry.name_datapool(datapool, scenario, index)
        parts = _parts(volume)
        if parts is None:
            wanted = scenarios.Volume_Model(self._registry.name_volume_model(volume, scenario, index))
        else:
            wanted = scenarios.Volume_Parts(parts)
        return scenarios.Item(journey, datapool, scenarios.Load_Volume(wanted))

    def datapool(self, name):
        pool = _look_up(self._registry.datapools, "datapool", name)
        kind = scenarios.PoolKind[getattr(pool, "kind", "ITERABLE")]
        if isinstance(pool, FileDataPool):
            return scenarios.Pool(kind, getattr(scenarios, f"Source_{pool.format}")(pool.path))
        self._open[name] = pool.items(config) if hasattr(pool, "items") else _checkouts(pool)
        return scenarios.Pool(kind, scenarios.Source_Items())

    def items(self, name, most):
        if name not in self._open:
            self.datapool(name)
        return [pack(_spread(item)) for item in itertools.islice(self._open[name], most)]

    def required(self, model, start, end):
        try:
            wanted = _look_up(self._registry.volume_models, "volume model", model)(start, end)
        except StopVolumeModel:
            return None
        return unsigned(wanted, 32)


def call(function, **given):
    """Calls a function with those of its parameters that it may ask for."""
    given |= {"config": config, "sender": Sender()}
    return function(**{word: given[word] for word in _required(function)})


def _look_up(table, kind, name):
    try:
        return table[name]
    except KeyError:
        raise LookupError(f"there is no {kind} {name!r}; there is: {', '.join(table) or 'none'}") from None


def _spread(data):
    return list(data) if isinstance(data, (tuple, list)) else [data]


def _checkouts(pool):
    """The items of an author's own datapool; one that has nothing just now has no more."""
    while True:
        try:
            item = loop.run(pool.checkout(None))
        except DataPoolExhausted:
            return
        if item is None:
            return
        yield item.data


def _parts(volume):
    """The host's parts, or None if the volume is computed by a function."""
    if type(volume) not in (Composite, Constant, Nothing, Ramp):
        return None
    composite, parts = Composite(volume.parts()), []
    for part, first, last in composite.ends():
        seconds = float(part.duration)
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError(f"a volume's part lasts some seconds, not {part.duration!r}")
        if isinstance(part, Nothing):
            parts.append(scenarios.Part_Nothing(seconds))
        elif isinstance(part, Constant):
            parts.append(scenarios.Part_Constant(scenarios.Constant(seconds, unsigned(part.tps, 32))))
        else:
            start = None if part.frm is None else unsigned(first, 32)
            end = None if part.to is None else unsigned(last, 32)
            parts.append(scenarios.Part_Ramp(scenarios.Ramp(seconds, start, end)))
    return parts
