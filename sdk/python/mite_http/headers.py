"""Headers as a mapping."""

from collections.abc import Mapping


class Headers(Mapping):
    """Names match in any case; values of a name that came more than once are joined by `, `."""

    def __init__(self, pairs):
        self._values = {}
        for name, value in pairs:
            name = name.lower()
            known = self._values.get(name)
            self._values[name] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name):
        return self._values[name.lower()]

    def __contains__(self, name):
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self):
        return iter(self._values)

    def __len__(self):
        return len(self._values)

    def __repr__(self):
        return f"Headers({self._values!r})"
