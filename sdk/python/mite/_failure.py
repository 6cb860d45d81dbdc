"""What goes wrong, in the host's words."""

import asyncio
import linecache
import os
import traceback

from mite._packer import pack, text
from mite._wit import messages, transaction
from mite.exceptions import MiteError

OK, FAILED, CANCELLED = transaction.Outcome_Ok(), transaction.Outcome_Failed(), transaction.Outcome_Cancelled()
_GIVEN_UP = (asyncio.CancelledError, GeneratorExit)
_STDLIB = os.path.dirname(os.path.dirname(asyncio.__file__)) + os.sep
_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_SDK = tuple(os.path.join(_PACKAGES, name) + os.sep for name in ("mite", "mite_http", "mite_browser"))
_root = ""


def set_root(directory):
    """Where the author's modules are: places in them are told relative to it."""
    global _root
    _root = os.path.join(directory, "") if directory else ""


def keep_sources(files):
    """The lines of these files, for tracebacks: a component has no files."""
    for file in files:
        lines = linecache.getlines(file)
        if lines:  # without a time they are never looked for again
            linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def outcome(error):
    """How a transaction ended that this left; None: well."""
    if error is None:
        return OK
    if isinstance(error, _GIVEN_UP):
        return CANCELLED
    if reported(error):
        return FAILED
    described = failure(error)
    mark(error)
    return transaction.Outcome_FailedWith(described)


def mark(error):
    """Notes that the world knows of it."""
    error.__dict__["_mite_reported"] = True  # not setattr: an exception may be a frozen dataclass


def reported(error):
    if isinstance(error, BaseExceptionGroup):  # a TaskGroup's: each task has reported its own
        return all(map(reported, error.exceptions))
    return "_mite_reported" in error.__dict__


def failure(error):
    """Must not raise, whatever the exception does when it is looked at: that would be a trap."""
    try:
        kind = messages.FailureKind.EXCEPTION
        message = "".join(traceback.format_exception_only(error)).strip()
        stack, fields = None, b""
        if isinstance(error, MiteError):
            kind = messages.FailureKind.ERROR
            try:
                fields = pack(error.fields) if error.fields else b""
            except Exception as other:
                message += f" (its fields are left out: {other})"
        else:
            stack = text("".join(traceback.format_exception(error, limit=-50)))
        return messages.Failure(kind, text(type(error).__name__), text(message), text(location(error)), stack, fields)
    except BaseException as other:
        message = f"{type(error).__name__} (describing it: {type(other).__name__})"
        return messages.Failure(messages.FailureKind.EXCEPTION, type(error).__name__, message, "", None, b"")


def location(error):
    """`file:line:function` of the innermost place that is the author's; else of one that isn't Python's library or this SDK."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{_shown(error.filename)}:{error.lineno}:{error.offset or 0}"
    frames = traceback.extract_tb(error.__traceback__, limit=-100)
    others = [frame for frame in frames if not frame.filename.startswith((_STDLIB, *_SDK, "<"))]
    own = [frame for frame in others if _root and frame.filename.startswith(_root)] or others
    return f"{_shown(own[-1].filename)}:{own[-1].lineno}:{own[-1].name}" if own else ""


def _shown(file):
    return file.removeprefix(_root) if _root and file.startswith(_root) else os.path.basename(file)


def tell_orphan(loop, context):
    """asyncio tells of exceptions that nobody has looked at."""
    error = context.get("exception")
    if error is not None and reported(error):
        return
    fields = {"message": context["message"]}
    if error is not None:
        told = failure(error)
        fields = {name: getattr(told, name) for name in ("message", "ex_type", "location", "stacktrace")}
        mark(error)
    messages.send("exception", pack(fields), 1)
