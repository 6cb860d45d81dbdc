"""How many journeys should be running at once, as a function of time.

A volume model is `f(start, end)`, asked about once a second for the time between two moments, in seconds since the test began. It
answers a number, or raises `StopVolumeModel` when it is over. Those here are put one after another by `+`.
"""

from dataclasses import dataclass

from mite.exceptions import StopVolumeModel

__all__ = ["Composite", "Constant", "Nothing", "Ramp", "StopVolumeModel", "oneshot_vm"]


class _Part:
    def __add__(self, other):
        return Composite((*self.parts(), *other.parts())) if hasattr(other, "parts") else NotImplemented

    def __call__(self, start, end):
        return Composite(self.parts())(start, end)

    def parts(self):
        return (self,)


@dataclass(frozen=True)
class Nothing(_Part):
    """No journeys for so many seconds."""

    duration: float
    tps = 0

    def first(self):
        return 0

    last = first


@dataclass(frozen=True)
class Constant(_Part):
    """So many journeys at once, for so many seconds."""

    duration: float
    tps: int

    def first(self):
        return self.tps

    last = first


@dataclass(frozen=True)
class Ramp(_Part):
    """A straight line, from where the part before ends to where the part after begins. `frm` is given only where it is the first
    part, `to` only where it is the last."""

    duration: float
    to: "int | None" = None
    frm: "int | None" = None

    def first(self):
        return self.frm

    def last(self):
        return self.to


class Composite(_Part):
    """Parts one after the other."""

    def __init__(self, parts):
        self._parts = tuple(parts)
        self.duration = sum(part.duration for part in self._parts)

    def parts(self):
        return self._parts

    def ends(self):
        """Each part with the numbers that it begins and ends with; a ValueError where a ramp doesn't know them."""
        found = []
        for at, part in enumerate(self._parts):
            before = self._parts[at - 1] if at else None
            after = self._parts[at + 1] if at + 1 < len(self._parts) else None
            if isinstance(part, Ramp):
                frm = _given("frm", part.frm, before, "first", lambda it: it.last())
                to = _given("to", part.to, after, "last", lambda it: it.first())
                found.append((part, frm, to))
            else:
                found.append((part, part.first(), part.last()))
        return found

    def __call__(self, start, end):
        if start > self.duration:
            raise StopVolumeModel("the volume is over")
        offset, answer = 0, 0
        for part, first, last in self.ends():
            if offset <= start <= offset + part.duration:
                share = (start - offset) / part.duration if part.duration else 1
                answer = int(first + (last - first) * share)
            offset += part.duration
        return answer

    def __eq__(self, other):
        return isinstance(other, Composite) and self._parts == other._parts

    def __hash__(self):
        return hash(self._parts)

    def __repr__(self):
        return " + ".join(map(repr, self._parts))


def _given(word, own, neighbour, place, look):
    if neighbour is None:
        if own is None:
            raise ValueError(f"a Ramp that is the {place} part needs {word}=")
        return own
    if own is not None:
        raise ValueError(f"a Ramp takes {word}= only where it is the {place} part")
    if isinstance(neighbour, Ramp):
        raise ValueError("two Ramps can't be neighbours: put a Constant between them")
    return look(neighbour)


def oneshot_vm(when=-1, stop_scenario=False):
    """One journey, once, as soon as more than `when` seconds have passed. Before that none; or, with `stop_scenario`, it is over."""
    done = False

    def oneshot(start, end):
        nonlocal done
        if done or (start <= when and stop_scenario):
            raise StopVolumeModel("the one shot is over")
        if start <= when:
            return 0
        done = True
        return 1

    oneshot.duration, oneshot.tps = when, 1
    return oneshot
