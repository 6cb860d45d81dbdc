"""msgpack, as far as fields, arguments and values of the config need it."""

import struct

DEPTH = 64


def pack(value):
    """A value as msgpack; what can't be there is a TypeError, what is nested too deeply (64) or too large a ValueError."""
    return _map(value, DEPTH) if type(value) is dict else _any(value, DEPTH)


def unpack(data):
    """The value of a whole msgpack object."""
    try:
        value, end = _unpack(data, 0)
    except (IndexError, struct.error):
        raise ValueError("the msgpack value is cut off") from None
    if end != len(data):
        raise ValueError(f"{len(data) - end} bytes after the msgpack value")
    return value


def text(value):
    """Checks what is to cross to the host as a string: a wrong type or a lone surrogate would be a trap there."""
    if not isinstance(value, str):
        raise TypeError(f"this must be a str, not {type(value).__name__}: {value!r}")
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def unsigned(value, bits):
    """The same for a number: one that doesn't fit would be a trap."""
    if not 0 <= (whole := int(value)) < 1 << bits:
        raise ValueError(f"this must be between 0 and 2**{bits} - 1: {value!r}")
    return whole


def _map(fields, depth):
    """A dict. Most of what crosses to the host is one, of short texts and small numbers: those are made here, without a call."""
    if not depth:
        raise ValueError(f"a message can't be nested more than {DEPTH} deep")
    parts = [_SMALL_MAP[len(fields)] if len(fields) < 16 else _head(len(fields), (None, 0xDE, 0xDF))]
    for key, value in fields.items():
        parts.append(_KEYS.get(key) or _key(key, depth))
        kind = type(value)
        if kind is str:
            data = value.encode("utf-8", "replace")
            parts.append(_SMALL_TEXT[len(data)] if len(data) < 32 else _head(len(data), (0xD9, 0xDA, 0xDB)))
            parts.append(data)
        elif kind is int and -33 < value < 128:
            parts.append(_SMALL[value])
        else:
            parts.append(_any(value, depth - 1))
    return b"".join(parts)


#: Keys are few and come again and again: so many are kept packed.
KEYS = 512
_KEYS = {}


def _key(key, depth):
    packed = _any(key, depth - 1)
    if type(key) is str and len(packed) < 64:
        if len(_KEYS) >= KEYS:
            _KEYS.clear()
        _KEYS[key] = packed
    return packed


def _any(value, depth):
    if isinstance(value, str):
        data = value.encode("utf-8", "replace")
        return (_SMALL_TEXT[len(data)] if len(data) < 32 else _head(len(data), (0xD9, 0xDA, 0xDB))) + data
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, float):
        return _DOUBLE(0xCB, value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _head(len(value), (0xC4, 0xC5, 0xC6)) + value
    if isinstance(value, (list, tuple)):
        if not depth:
            raise ValueError(f"a message can't be nested more than {DEPTH} deep")
        head = bytes((0x90 | len(value),)) if len(value) < 16 else _head(len(value), (None, 0xDC, 0xDD))
        return head + b"".join([_any(item, depth - 1) for item in value])
    if isinstance(value, dict):
        return _map(value, depth)
    raise TypeError(f"a {type(value).__name__} can't be in a message")


_DOUBLE = struct.Struct(">Bd").pack
_SMALL_MAP = [bytes((0x80 | size,)) for size in range(16)]
_SMALL_TEXT = [bytes((0xA0 | size,)) for size in range(32)]
#: Those from 0, then those below it, which a list counts from its end.
_SMALL = [bytes((number & 0xFF,)) for number in (*range(128), *range(-32, 0))]
_INTS = (
    (0xCC, ">BB", 0, 1 << 8), (0xCD, ">BH", 0, 1 << 16), (0xCE, ">BI", 0, 1 << 32), (0xCF, ">BQ", 0, 1 << 64),
    (0xD0, ">Bb", -(1 << 7), 0), (0xD1, ">Bh", -(1 << 15), 0), (0xD2, ">Bi", -(1 << 31), 0), (0xD3, ">Bq", -(1 << 63), 0),
)


def _int(value):
    if -33 < value < 128:
        return _SMALL[value]
    for tag, form, low, high in _INTS:
        if low <= value < high:
            return struct.pack(form, tag, value)
    raise ValueError("an integer of more than 64 bits can't be in a message")


def _head(size, tags):
    """A type and a size, in the shortest form that the type has."""
    if tags[0] and size < 1 << 8:
        return struct.pack(">BB", tags[0], size)
    if size < 1 << 16:
        return struct.pack(">BH", tags[1], size)
    return struct.pack(">BI", tags[2], size)


_SCALARS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}
_SIZES = {
    0xC4: (">B", "bytes"), 0xC5: (">H", "bytes"), 0xC6: (">I", "bytes"),
    0xD9: (">B", "str"), 0xDA: (">H", "str"), 0xDB: (">I", "str"),
    0xDC: (">H", "list"), 0xDD: (">I", "list"), 0xDE: (">H", "dict"), 0xDF: (">I", "dict"),
}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def _unpack(data, at):
    tag = data[at]
    at += 1
    if tag < 0x80:
        return tag, at
    if tag >= 0xE0:
        return tag - 256, at
    if tag < 0x90:
        return _sized(data, at, tag & 15, "dict")
    if tag < 0xA0:
        return _sized(data, at, tag & 15, "list")
    if tag < 0xC0:
        return _sized(data, at, tag & 31, "str")
    if tag in _CONSTANTS:
        return _CONSTANTS[tag], at
    if tag in _SCALARS:
        return struct.unpack_from(_SCALARS[tag], data, at)[0], at + struct.calcsize(_SCALARS[tag])
    if tag in _SIZES:
        form, kind = _SIZES[tag]
        return _sized(data, at + struct.calcsize(form), struct.unpack_from(form, data, at)[0], kind)
    raise ValueError(f"msgpack type {tag:#x} isn't known here")


def _sized(data, at, size, kind):
    if kind in ("str", "bytes"):
        if at + size > len(data):
            raise ValueError("the msgpack value is cut off")
        value = bytes(data[at:at + size])
        return (value.decode("utf-8", "replace") if kind == "str" else value), at + size
    items = []
    for _ in range(size * (2 if kind == "dict" else 1)):
        item, at = _unpack(data, at)
        # A list can't be a key of a dict, a tuple can.
        items.append(tuple(item) if kind == "dict" and isinstance(item, list) and not len(items) % 2 else item)
    return (dict(zip(items[::2], items[1::2])) if kind == "dict" else items), at
