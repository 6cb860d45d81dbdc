"""What an author's modules have: journeys, scenarios, datapools and volume models, by name."""

import inspect
import re
import sys

from mite import datapools

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: What a scenario function may ask for.
_GIVEN = {"config", "sender"}


def is_async(function):
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def is_datapool(thing):
    return not inspect.isclass(thing) and (hasattr(thing, "checkout") or isinstance(thing, datapools.FileDataPool))


def _required(function):
    """The names of parameters that must be given, or None where it can't be known."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [it.name for it in parameters if it.kind in kinds and it.default is it.empty]


def _is_journey(function):
    return is_async(function) and bool(_required(function))


def _is_scenario(function):
    names = _required(function)
    plain = not is_async(function) and not inspect.isgeneratorfunction(inspect.unwrap(function))
    return plain and names is not None and set(names) <= _GIVEN 


class Registry:
    """The modules of an author; `entry` is the one that was built."""

    def __init__(self, entry, modules=()):
        self.entry = entry
        self.modules = {entry.__name__: entry} | {module.__name__: module for module in modules}
        self.journeys, self.scenarios, self.datapools, self.volume_models = {}, {}, {}, {}
        #: What stands around the runs of a test: see `mite.scenario`.
        self.hooks = {"setup": [], "on_start": [], "on_stop": []}
        for module in self.modules.values():
            self._scan(module)

    @classmethod
    def of(cls, entry, root):
        """With all modules below a directory that have been imported."""
        own = [
            module for module in list(sys.modules.values())
            if (getattr(module, "__file__", None) or "").startswith(root) and module.__name__ != "__main__"
        ]
        return cls(entry, [module for module in own if not module.__name__.startswith("_mite")])

    def _scan(self, module):
        """Names of the entry as they are, those of other modules with the module's in front."""
        prefix = "" if module is self.entry else module.__name__.replace(".", "__") + "__"
        for name, thing in list(vars(module).items()):
            known = prefix and getattr(self.entry, name, None) is thing
            if name.startswith("_") or known or not _NAME.match(prefix + name):
                continue
            if is_datapool(thing):
                self.datapools[prefix + name] = thing
            elif inspect.isfunction(thing) and thing.__module__ in self.modules:
                if hasattr(thing, "_mite_hook"):
                    kind = self.hooks[thing._mite_hook[0]]
                    if thing not in kind:
                        kind.append(thing)
                elif _is_journey(thing):
                    self.journeys[prefix + name] = thing
                elif not prefix and _is_scenario(thing):
                    self.scenarios[name] = thing

    def find_journey(self, spec):
        """The name of a journey that a scenario calls `module:name`, `package:name` or `name`. One of another component stays
        as it is; one that should be here and isn't is a LookupError, one that isn't async a TypeError."""
        module_name, colon, name = spec.rpartition(":")
        module = self.modules.get(module_name) if colon else self.entry
        if module is None:
            return spec
        thing = getattr(module, name, None)
        if thing is not None and getattr(self.entry, name, None) is thing and name in self.journeys:
            return name
        here = name if module is self.entry else f"{module_name.replace('.', '__')}__{name}"
        if here in self.journeys:
            return here
        if callable(thing) and not is_async(thing):
            raise TypeError(f"the journey {spec!r} isn't async: write `async def {name}(ctx):`")
        names = ", ".join(self.journeys) or "none"
        raise LookupError(f"there is no journey {spec!r}; {module.__name__}.py has: {names}")

    def name_datapool(self, thing, scenario, index):
        """The name of a datapool; one that only the scenario function knows gets one."""
        if isinstance(thing, str):
            return thing
        if not is_datapool(thing):
            raise TypeError(f"this is no datapool, which has `async def checkout(self, config)`: {thing!r}")
        return _named(self.datapools, thing, f"{scenario}_{index}")

    def name_volume_model(self, thing, scenario, index):
        if not callable(thing):
            raise TypeError(f"this is no volume model, which is `f(start, end)` or made of Constant, Ramp, Nothing: {thing!r}")
        return _named(self.volume_models, thing, f"{scenario}_{index}")


def _named(table, thing, name):
    for known, other in table.items():
        if other is thing:
            return known
    while name in table and not name.endswith("_"):
        name += "_"
    table[name] = thing
    return name
