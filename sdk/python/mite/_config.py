"""The config of the test: `ctx.config`, and `config` of a scenario function."""

from collections.abc import Mapping

from mite._packer import pack, text, unpack
from mite._wit import Err
from mite._wit import config as host

_MISSING = object()
#: Where the answer of the `@setup` function stands.
SETUP = "mite.setup"


class Config(Mapping):
    """A mapping of what the controller was started with and what the scenario function has set. Journeys can't change it."""

    def __init__(self):
        self.version, self._kept = None, {}

    def at(self, version):
        """Values are kept until the config changes."""
        if version != self.version:
            self.version, self._kept = version, {}

    def forget(self):
        """All values are asked for anew."""
        self.at(None)
        self._kept.clear()

    def _value(self, key):
        try:
            return self._kept[key]
        except KeyError:
            packed = host.get(text(key))
            value = self._kept[key] = _MISSING if packed is None else unpack(packed)
            return value

    def __getitem__(self, key):
        try:
            value = self._kept[key]
        except KeyError:
            value = self._value(key)
        if value is _MISSING:
            raise KeyError(f"the config has no {key!r}: give it by --add-to-config={key}:VALUE or MITE_CONF_{key}=VALUE")
        return value

    def get(self, key, default=None):
        value = self._value(key)
        return default if value is _MISSING else value

    def __contains__(self, key):
        return self._value(key) is not _MISSING

    def __iter__(self):
        return iter(host.keys())

    def __len__(self):
        return len(host.keys())

    def __repr__(self):
        return f"Config({dict(self)!r})"

    def set(self, key, value):
        """Sets a value for all journeys of the test; only in functions of the scenario."""
        try:
            host.set(text(key), pack(value))
        except Err as error:
            raise ValueError(f"the config's {key!r} can't be set: {payload(error)}") from None
        self._kept.pop(key, None)


def payload(error):
    """What an `Err` says. Caught, it sits in a cycle with the frame that raised it; cut, or handles stay until the next gc."""
    error.with_traceback(None)
    return error.value


config = Config()
