"""Messages of processors: decoded, and shown like JSON."""

import re

from mite._packer import pack, unpack

_EXPONENT = re.compile(r"e([+-]?)0*(\d)")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n"} | {chr(n): f"\\u{n:04x}" for n in range(32) if n != 10}

#: The message at hand, as it came and decoded.
_raw = _decoded = None


class Map(dict):
    """A message that is a map, as nearly all are."""

    def __str__(self):
        return show(self)

    __repr__ = __str__


class List(list):
    """A message that is a list, as figures are."""

    def __str__(self):
        return show(self)

    __repr__ = __str__


def decode(raw):
    """What a message says. What isn't one msgpack value is a ValueError."""
    global _raw, _decoded
    try:
        value = unpack(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the message is malformed: {error}") from None
    _raw, _decoded = raw, Map(value) if isinstance(value, dict) else List(value) if isinstance(value, list) else value
    return _decoded


def raw_of(message):
    """A message as it came; one that was made here as msgpack."""
    if isinstance(message, (bytes, bytearray, memoryview)):
        return bytes(message)
    return _raw if message is _decoded and _raw is not None else pack(message)


def show(value):
    """Like JSON, as the other languages show messages."""
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        text = repr(value)
        return "NaN" if text == "nan" else _EXPONENT.sub(lambda found: f"e{found[1].strip('+')}{found[2]}", text)
    if isinstance(value, (bytes, str)):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(key)}: {show(item)}" for key, item in value.items()) + "}"
    return str(value)
