from mite._packer import pack, unpack
from mite.local.world import state


def get(key):
    return pack(state.run.config[key]) if key in state.run.config else None


def keys():
    return list(state.run.config)


def set(key, value):
    state.run.config[key] = unpack(value)
