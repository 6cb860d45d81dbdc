"""What componentize-py's runtime makes of each run, made cheaper.

The runtime looks for these in the bindings after the author's modules have been imported, so it uses what stands there then. Its own
are data classes, each of which runs Python for every field of every object, and a `weakref.finalize` for each handle.
"""

import weakref


def Context(journey, args, context_id, config_version):
    """`journeys.context` as a tuple."""
    return journey, args, context_id, config_version


class Ok:
    """A result that is none of an `Err`."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Handle:
    """What a handle of the host has in place of a `weakref.finalize`: it is dropped with the object that holds this."""

    __slots__ = ("_args", "_drop")

    def __init__(self, drop, args):
        self._drop, self._args = drop, args

    def detach(self):
        """As of `weakref.finalize`."""
        drop, self._drop = self._drop, None
        return None, drop, self._args, {}

    def __del__(self):
        if self._drop is not None:
            self._drop(*self._args)


def finalizer(drop_resource):
    """`weakref.finalize`, which is a `Handle` for a handle."""

    class finalize(weakref.finalize):
        __slots__ = ()

        def __new__(cls, instance, function, /, *args, **named):
            return Handle(function, args) if function is drop_resource else super().__new__(cls)

    return finalize


def install():
    """Puts them in their places; there are none in plain CPython."""
    try:
        import componentize_py_runtime
        import componentize_py_types
        from wit_world.exports import journeys
    except ModuleNotFoundError:
        return
    componentize_py_types.Ok, journeys.Context = Ok, Context
    weakref.finalize = finalizer(componentize_py_runtime.drop_resource)
