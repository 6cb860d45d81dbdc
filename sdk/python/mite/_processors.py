"""The exports of a component of processors. Nothing is raised here but what the contract knows: anything else would be a trap."""

import gc
import importlib
import inspect
import os
import random
import re
import sys
import traceback

# Python imports these only when they are needed, and a component has no files then.
import encodings.latin_1  # noqa: F401
import encodings.utf_16  # noqa: F401

from componentize_py_types import Err
from wit_world.exports import processors
from wit_world.imports import print as host_print
from wit_world.imports import progress

from mite._message import decode
from mite._packer import text
from mite._told import tell
from mite._version import __version__

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_classes, _root = {}, ""
_open = None


def load(module_name, root):
    """Imports the author's module, which is below the directory `root`, and finds out what it has."""
    global _root
    _root = os.path.join(root, "")
    try:
        module = importlib.import_module(module_name)
        for name, thing in vars(module).items():
            if inspect.isclass(thing) and not name.startswith("_") and _NAME.match(name) and _takes_messages(thing):
                _classes[name] = thing
        if not _classes:
            raise LookupError("there is no processor in it, which is a class with `process_message` or `process_raw_message`")
    except BaseException as error:
        tell(error, _root, _place(error))
        raise
    gc.collect()
    gc.freeze()  # what is in the image is never garbage: collections must not touch its pages


def _takes_messages(thing):
    # What it imports of mite's takes messages too, and is no processor.
    return thing.__module__.partition(".")[0] != "mite" and any(callable(getattr(thing, name, None)) for name in ("process_message", "process_raw_message"))


def _place(error):
    """`file:line:function` of the innermost place that is the author's."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{error.filename.removeprefix(_root)}:{error.lineno}:{error.offset or 0}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__, limit=-50) if frame.filename.startswith(_root)]
    frames = [frame for frame in frames if not frame.filename.startswith(_root + "_mite")]
    return f"{frames[-1].filename.removeprefix(_root)}:{frames[-1].lineno}:{frames[-1].name}" if frames else ""


def _why(error):
    """For people. Must not raise, whatever the exception does when it is looked at."""
    try:
        place = _place(error)
        return text("".join(traceback.format_exception_only(error)).strip() + (f" ({place})" if place else ""))
    except BaseException:
        return type(error).__name__


class Printed:
    """Standard output of a processor: whole lines go to the receiver's."""

    encoding, errors = "utf-8", "replace"

    def __init__(self):
        self._rest = ""

    def write(self, words):
        *lines, self._rest = (self._rest + words).split("\n")
        for line in lines:
            host_print.line(text(line))
        return len(words)

    def end(self):
        """What has no end of line yet is a line too."""
        if self._rest:
            self.write("\n")

    def flush(self):
        pass

    def isatty(self):
        return False

    def writable(self):
        return True


class Open:
    """A processor that is open."""

    def __init__(self, name):
        self._processor = _classes[name]()
        self._raw = getattr(self._processor, "process_raw_message", None)
        self._message = getattr(self._processor, "process_message", None)

    def take(self, raw):
        """The raw one first, as in the Python framework."""
        if self._raw is not None:
            self._raw(raw)
        if self._message is not None:
            self._message(decode(raw))

    def call(self, name):
        function = getattr(self._processor, name, None)
        if callable(function):
            function()


_printed = Printed()


class Processors:
    def describe(self):
        return processors.Contents(list(_classes), f"python {__version__}")

    def open(self, name):
        global _open
        # The build froze the state of chance into the image.
        random.seed()
        sys.stdout = _printed
        try:
            _open = Open(name)
        except BaseException as error:
            raise Err(_why(error)) from None
        finally:
            _printed.end()

    def process(self, messages):
        for position, raw in enumerate(messages):
            progress.at(position)
            try:
                _open.take(raw)
            except BaseException as error:
                progress.failed(_why(error))
        _printed.end()

    def tick(self):
        _called("tick")

    def close(self):
        _called("close")


def _called(name):
    try:
        _open.call(name)
    except BaseException as error:
        raise Err(_why(error)) from None
    finally:
        _printed.end()
