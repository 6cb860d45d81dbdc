"""What a component is for: journeys or processors."""

import ast
import os
import shutil

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "build", "local", "wit")
_APP = """\
import os
import mite.{module}
mite.{module}.load({entry!r}, os.path.dirname(os.path.abspath(__file__)))
from mite.{module} import {exports}
"""


class Journeys:
    """What puts load on something."""

    world, wit = "python-journey-with-hooks", ""
    #: Of the SDK.
    packages = ("mite", "mite_http", "mite_browser")

    @staticmethod
    def app(entry):
        return _APP.format(module="_component", entry=entry, exports="Hooks, Journeys, Scenarios")

    @classmethod
    def copy_sdk(cls, sdk, to):
        for package in cls.packages:
            shutil.copytree(os.path.join(sdk, package), os.path.join(to, package), ignore=_LEFT_OUT)


class Processors:
    """What takes messages. Nothing of journeys is there: their host isn't."""

    world, wit = "processor", "processor"
    modules = (
        "_message.py", "_packer.py", "_processors.py", "_told.py", "_version.py", "collector.py", "processor.py", "stats.py", "zmq.py",
    )

    @staticmethod
    def app(entry):
        return _APP.format(module="_processors", entry=entry, exports="Processors")

    @classmethod
    def copy_sdk(cls, sdk, to):
        os.makedirs(os.path.join(to, "mite"))
        with open(os.path.join(to, "mite", "__init__.py"), "w") as package:
            package.write('"""What processors have of mite: see `mite.processor`."""\n')
        for module in cls.modules:
            shutil.copyfile(os.path.join(sdk, "mite", module), os.path.join(to, "mite", module))


def kind_of(sources):
    """Processors if the entry has a class that takes messages; both at once is a ValueError."""
    classes = {node.name: node for tree in sources.trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    own = sources.trees[sources.entry].body
    processors = [node.name for node in own if isinstance(node, ast.ClassDef) and _takes_messages(node, classes, set())]
    journeys = [node.name for node in own if isinstance(node, ast.AsyncFunctionDef) and node.args.args and node.name[0] != "_"]
    if processors and journeys:
        raise ValueError(
            f"it has processors ({', '.join(processors)}) and journeys ({', '.join(journeys)}): a component has one or the other, so put "
            "them into files of their own"
        )
    return Processors if processors else Journeys


def _takes_messages(node, classes, seen):
    """Whether a class, or one that it is made of, has the functions of a processor."""
    if node.name in seen:
        return False
    seen.add(node.name)
    names = {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    bases = [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", None) for base in node.bases]
    return bool(names & {"process_message", "process_raw_message"}) or any(
        _takes_messages(classes[base], classes, seen) for base in bases if base in classes
    )
