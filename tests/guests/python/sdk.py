"""What journeys of the tests are written with: a context, and decorators that say what the component has."""

import asyncio
import contextvars
import itertools
import os
import random
import traceback

from componentize_py_types import Err
from loop import Loop
from packer import pack, text, unpack, unsigned
from wit_world.exports import journeys as exported
from wit_world.exports import scenarios as planned
from wit_world.imports import config as settings
from wit_world.imports import http, messages, timing, transaction

JOURNEYS, SCENARIOS, DATAPOOLS, POSITIONS = {}, {}, {}, {}
ROOT = 1
current = contextvars.ContextVar("transaction", default=ROOT)


class MiteError(Exception):
    """What a journey raises when the tested system is wrong; the fields become fields of the `error` message."""

    def __init__(self, message, **fields):
        super().__init__(message)
        self.fields = fields


class HttpError(OSError):
    """A request that got no answer; `reason` is the WIT case: connect, dns, tls, timeout, ..."""

    def __init__(self, error):
        self.reason = type(error).__name__.removeprefix("Error_").lower()
        super().__init__(f"{self.reason}: {getattr(error, 'value', '')}".removesuffix(": "))


# What a component has.


def journey(function):
    JOURNEYS[function.__name__] = function
    return function


def scenario(name):
    return lambda function: SCENARIOS.setdefault(name, function)


def datapool(name, kind):
    def register(function):
        DATAPOOLS[name] = (planned.PoolKind[kind.upper()], function)
        return function
    return register


def constant(seconds, journeys):
    return planned.Part_Constant(planned.Constant(float(seconds), unsigned(journeys, 32)))


def item(journey, *parts, datapool=None):
    load = planned.Load_Volume(planned.Volume_Parts(list(parts)))
    return planned.Item(text(journey), None if datapool is None else text(datapool), load)


def registered(table, kind, name):
    try:
        return table[name]
    except KeyError:
        raise LookupError(f"there is no {kind} {name!r} in this component") from None


def plan(name):
    return registered(SCENARIOS, "scenario", name)(Config())


def open_pool(name):
    kind, function = registered(DATAPOOLS, "datapool", name)
    POSITIONS[name] = iter(function(Config()))
    return planned.Pool(kind, planned.Source_Items())


def next_items(name, most):
    if name not in POSITIONS:
        open_pool(name)
    return [pack(args) for args in itertools.islice(POSITIONS[name], most)]


# What a journey gets.


class Config:
    def __init__(self):
        self._version, self._kept = None, {}

    def at(self, version):
        """Values are kept until the config changes."""
        if version != self._version:
            self._version, self._kept = version, {}

    def get(self, key, default=None):
        if key not in self._kept:
            value = settings.get(text(key))
            self._kept[key] = None if value is None else unpack(value)
        value = self._kept[key]
        return default if value is None else value

    def keys(self):
        return settings.keys()

    def set(self, key, value):
        _or_value_error(settings.set, text(key), pack(value))
        self._kept.pop(key, None)


def _or_value_error(function, *args):
    """Calls a function of the host whose error is a text."""
    try:
        return function(*args)
    except Err as error:
        raise ValueError(_payload(error)) from None


def _payload(error):
    """A caught `Err` sits in a cycle with the frame that raised it; cut, or the journey's handles stay until the next gc."""
    error.with_traceback(None)
    return error.value


class Http:
    async def get(self, url, **options):
        return await self.request("GET", url, **options)

    async def post(self, url, **options):
        return await self.request("POST", url, **options)

    async def request(
        self, method, url, *, headers=(), body=None, name=None, timeout=None, max_redirects=5, identity=None,
        insecure=False, discard_body=False,
    ):
        request = http.Request(
            text(method), text(url), [(text(key), text(value)) for key, value in headers],
            None if body is None else bytes(body), None if name is None else text(name), current.get(),
            None if timeout is None else unsigned(timeout * 1e9, 64), unsigned(max_redirects, 32),
            None if identity is None else unsigned(identity, 32), bool(insecure), bool(discard_body),
        )
        try:
            return Response(await loop.send(request))
        except Err as error:
            raise HttpError(_payload(error)) from None

    def identity(self, chain, key):
        return _or_value_error(http.identity, text(chain), text(key))

    def cookies(self):
        return http.cookies()

    def set_cookie(self, name, value, domain, path="/"):
        _or_value_error(http.set_cookie, http.Cookie(text(name), text(value), text(domain), text(path)))

    def clear_cookies(self):
        http.clear_cookies()


class Response:
    def __init__(self, answer):
        self.status, self.body_size, self.timings = answer.status, answer.body_size, answer.timings
        self._content = answer.content

    @property
    def url(self):
        return self._content.url()

    def header(self, name):
        return self._content.header(text(name))

    @property
    def headers(self):
        return self._content.headers()

    @property
    def body(self):
        return _or_value_error(self._content.body)

    @property
    def text(self):
        return _or_value_error(self._content.text)

    @property
    def history(self):
        return [(hop.status, hop.url) for hop in self._content.history()]

    @property
    def primary_ip(self):
        return self._content.primary_ip()

    def annotate(self, **fields):
        self._content.annotate(pack(fields))


class Transaction:
    """Named and timed; which one is the current one is asyncio's to follow, through tasks and all."""

    def __init__(self, name):
        self._name = text(name)

    async def __aenter__(self):
        self._id = transaction.begin(self._name, current.get())
        self._token = current.set(self._id)

    async def __aexit__(self, kind, error, trace):
        current.reset(self._token)
        transaction.end(self._id, outcome(error))


class Context:
    def __init__(self, context_id):
        self.context_id, self.http, self.config = context_id, Http(), config

    def transaction(self, name):
        return Transaction(name)

    def send(self, message_type, **fields):
        messages.send(text(message_type), pack(fields), current.get())

    @property
    def should_stop(self):
        return timing.should_stop()

    @property
    def intended(self):
        return timing.intended()

    def sleep_until(self, at):
        timing.sleep_until(unsigned(at, 64))


# What goes wrong.


def outcome(error):
    if error is None:
        return transaction.Outcome_Ok()
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return transaction.Outcome_Cancelled()
    if reported(error):
        return transaction.Outcome_Failed()
    described = failure(error)
    error.__dict__["_mite_reported"] = True  # not setattr: an exception may be a frozen dataclass
    return transaction.Outcome_FailedWith(described)


def reported(error):
    if isinstance(error, BaseExceptionGroup):  # a TaskGroup's: each task has reported its own
        return all(map(reported, error.exceptions))
    return "_mite_reported" in error.__dict__


def failure(error):
    """Must not raise, whatever the exception does when it is looked at: that would be a trap."""
    try:
        kind = messages.FailureKind.EXCEPTION
        message = "".join(traceback.format_exception_only(error)).strip()
        stack, fields = "".join(traceback.format_exception(error)), b""
        if isinstance(error, MiteError):
            kind, stack = messages.FailureKind.ERROR, None
            try:
                fields = pack(error.fields)
            except Exception as other:
                message += f" (its fields are left out: {other!r})"
        return messages.Failure(
            kind, text(type(error).__name__), text(message), text(location(error)), stack and text(stack), fields
        )
    except BaseException as other:
        message = f"{type(error).__name__} (describing it: {type(other).__name__})"
        return messages.Failure(messages.FailureKind.EXCEPTION, type(error).__name__, message, "", None, b"")


def location(error):
    """The innermost place that isn't Python's library or this SDK."""
    library = os.path.dirname(os.path.dirname(asyncio.__file__)) + "/"
    own = (__file__, Loop.send.__code__.co_filename, pack.__code__.co_filename)
    frames = traceback.extract_tb(error.__traceback__, limit=-100)
    mine = [f for f in frames if f.filename not in own and not f.filename.startswith((library, "<"))]
    return f"{os.path.basename(mine[-1].filename)}:{mine[-1].lineno}:{mine[-1].name}" if mine else ""


def orphaned(loop, context):
    """asyncio tells of exceptions that nobody has looked at."""
    error, fields = context.get("exception"), {"message": context["message"]}
    if error is None or not reported(error):
        if error is not None:
            told = failure(error)
            fields = {name: getattr(told, name) for name in ("message", "ex_type", "location", "stacktrace")}
        messages.send("exception", pack(fields), ROOT)


loop = Loop()
loop.set_exception_handler(orphaned)
config = Config()
seeded = False


def run(context):
    """Runs one journey; every exception becomes the `ending` of the WIT result."""
    global seeded
    try:
        if not seeded:  # the build froze the generator's state into the image
            random.seed()
            seeded = True
        config.at(context.config_version)
        function = registered(JOURNEYS, "journey", context.journey)
        args = unpack(context.args) if context.args else ()
        result = contextvars.copy_context().run(function, Context(context.context_id), *args)
        if asyncio.iscoroutine(result):
            loop.run(result)
    except BaseException as error:
        told = exported.Ending_Reported() if reported(error) else exported.Ending_Failed(failure(error))
        raise Err(told) from None


def guarded(function, *args):
    """Calls a function of the scenario; every exception becomes its `failure`."""
    try:
        return function(*args)
    except BaseException as error:
        raise Err(failure(error)) from None
