"""HTTP by `http.client`, a connection for each request."""

import http.cookiejar
import time
import urllib.request
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import urljoin

from mite._packer import unpack
from mite.local.errors import Err
from mite.local.world import state, waiting
from mite.local.world.exchange import Failed, exchange

REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Request:
    method: str
    url: str
    headers: list
    body: Optional[bytes]
    name: Optional[str]
    transaction: int
    timeout: Optional[int]
    max_redirects: int
    identity: Optional[int]
    insecure: bool
    discard_body: bool


@dataclass
class Timings:
    dns: int
    connect: int
    tls: int
    transfer_start: int
    first_byte: int
    total: int


@dataclass
class Hop:
    status: int
    url: str


@dataclass
class Response:
    status: int
    body_size: int
    timings: Timings
    content: Any


@dataclass
class Cookie:
    name: str
    value: str
    domain: str
    path: str


def _error(name, *fields):
    return dataclass(type(f"Error_{name}", (), {"__annotations__": {field: Any for field in fields}}))


Error_Dns, Error_Connect, Error_Tls = _error("Dns", "value"), _error("Connect", "value"), _error("Tls", "value")
Error_Timeout, Error_Protocol = _error("Timeout", "value"), _error("Protocol", "value")
Error_Denied, Error_Invalid = _error("Denied", "value"), _error("Invalid", "value")
Error_Redirects, Error_Cancelled = _error("Redirects", "value"), _error("Cancelled")


class Content:
    def __init__(self, url, answer, history, message):
        self._url, self._answer, self._history, self._message = url, answer, history, message
        #: When the request began, in seconds since 1970.
        self.start = time.time() - answer.timings[-1] / 1e9

    def url(self):
        return self._url

    def headers(self):
        return [(name.lower(), value) for name, value in self._answer.headers]

    def header(self, name):
        values = [value for known, value in self.headers() if known == name.lower()]
        return ", ".join(values) if values else None

    def body(self):
        try:
            return self._answer.body()
        except ValueError as error:
            raise Err(str(error)) from None

    def text(self):
        kind = (self.header("content-type") or "").lower()
        return self.body().decode("latin-1" if "8859-1" in kind or "latin" in kind else "utf-8", "replace")

    def history(self):
        return self._history

    def primary_ip(self):
        return self._answer.ip

    def annotate(self, fields):
        self._message.update(unpack(fields))


def send(request):
    """Makes a request and follows redirects, as the runner does."""
    run, method, url, body, history = state.run, request.method, request.url, request.body, []
    deadline = time.monotonic() + (60 if request.timeout is None else request.timeout / 1e9)
    while True:
        carrier = _with_cookies(run, url)
        message = {"effective_url": url.partition("#")[0], "method": method.encode(), "start_time": int(time.time())}
        if request.name is not None:
            message["name"] = request.name
        try:
            answer = exchange(method, url, [*request.headers, *carrier.unredirected_hdrs.items()], body, deadline,
                              request.insecure, run.recording)
        except Failed as failed:
            if failed.reason != "Invalid":
                run.tell("http_error", message | {"error_class": failed.reason.lower(), "message": str(failed)},
                         request.transaction)
            raise Err(globals()[f"Error_{failed.reason}"](str(failed))) from None
        run.cookies.extract_cookies(answer, carrier)
        message |= answer.figures()
        run.tell("http_metrics", message, request.transaction)
        message = run.messages[-1]
        there = dict((name.lower(), value) for name, value in answer.headers).get("location")
        if answer.status not in REDIRECTS or there is None or not request.max_redirects:
            timings = Timings(*answer.timings)
            return Response(answer.status, answer.size, timings, Content(url, answer, history, message))
        history.append(Hop(answer.status, url))
        if len(history) > request.max_redirects:
            raise Err(Error_Redirects(request.max_redirects))
        url = urljoin(url, there)
        if answer.status in (301, 302, 303) and method != "HEAD":
            method, body = "GET", None


def _with_cookies(run, url):
    try:
        carrier = urllib.request.Request(url)
        run.cookies.add_cookie_header(carrier)
        return carrier
    except ValueError as error:
        raise Err(Error_Invalid(str(error))) from None


def _settled(request):
    try:
        return send(request), None
    except Err as error:
        return None, error
    except Exception as error:
        return None, Err(Error_Protocol(repr(error)))


def start(request):
    return waiting.Pending(lambda: _settled(request))


def finish(pending):
    waiting.wait_any([pending], None)
    answer, error = pending.answer
    if error:
        raise error
    return answer


def identity(chain, key):
    raise Err("client certificates aren't there in the local host")


def cookies():
    return [Cookie(it.name, it.value or "", it.domain, it.path) for it in state.run.cookies]


def set_cookie(cookie):
    domain = cookie.domain
    state.run.cookies.set_cookie(http.cookiejar.Cookie(
        0, cookie.name, cookie.value, None, False, domain, True, domain.startswith("."), cookie.path, True, False, None, False,
        None, None, {}, False,
    ))


def clear_cookies():
    state.run.cookies.clear()
