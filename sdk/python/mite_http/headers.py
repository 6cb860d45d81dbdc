"""Headers as a mapping."""

from collections.abc import Mapping

from mite._packer import text
from mite._wit import flat


class Headers(Mapping):
    """Names match in any case; values of a name that came more than once are joined by `, `."""

    __slots__ = ("_values",)

    def __init__(self, pairs):
        self._values = joined(pairs)

    def _all(self):
        return self._values

    def __getitem__(self, name):
        return self._all()[name.lower()]

    def __contains__(self, name):
        return isinstance(name, str) and name.lower() in self._all()

    def __iter__(self):
        return iter(self._all())

    def __len__(self):
        return len(self._all())

    def __repr__(self):
        return f"Headers({self._all()!r})"


class AnswerHeaders(Headers):
    """Those of an answer: the host looks one up, all are copied only where all are asked for."""

    __slots__ = ("_response",)

    def __init__(self, response):
        self._response, self._values = response, None

    def _all(self):
        if self._values is None:
            self._values = joined(self._response.headers_tuple)
        return self._values

    def __getitem__(self, name):
        value = flat.header(self._response._number, text(name))
        if value is None:
            raise KeyError(name)
        return value


def joined(pairs):
    """Values by name in lower case."""
    values = {}
    for name, value in pairs:
        name = name.lower()
        known = values.get(name)
        values[name] = value if known is None else f"{known}, {value}"
    return values
