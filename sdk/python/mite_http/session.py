"""`ctx.http`: requests and cookies of one run."""

import base64
import json as jsonlib
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from mite._config import payload
from mite._current import current
from mite._loop import loop
from mite._packer import text, unsigned
from mite._wit import Err
from mite._wit import http as host
from mite_http.response import HttpError, Response

#: Requests that are kept; one more, and they are made anew.
KNOWN = 64
_known = {}
_FORM = "application/x-www-form-urlencoded"


class Cookie(NamedTuple):
    domain: str
    name: str
    value: str
    path: str = "/"


class Session:
    """Verbs, each to be awaited: `response = await ctx.http.get(url, headers={"x-shop": "1"})`.

    Cookies start empty with each run, are sent and kept as a browser would. Redirects are followed.
    """

    def __init__(self):
        self._metrics = self._callback = None

    @property
    def additional_metrics(self):
        """Fields that every later `http_metrics` message of this run gets as well."""
        if self._metrics is None:
            self._metrics = {}
        return self._metrics

    @additional_metrics.setter
    def additional_metrics(self, fields):
        self._metrics = fields

    def get(self, url, **options):
        return self.request("GET", url, **options)

    def post(self, url, **options):
        return self.request("POST", url, **options)

    def put(self, url, **options):
        return self.request("PUT", url, **options)

    def patch(self, url, **options):
        return self.request("PATCH", url, **options)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options)

    def head(self, url, **options):
        return self.request("HEAD", url, **options)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options)

    async def request(self, method, url, **options):
        """Makes a request. An answer of any status is an answer; none is an `HttpError`."""
        if options:
            request = self._request(method, url, **options)
        else:
            request = _plain(method, url)
        try:
            answer = host.send(request) if loop.alone() else await loop.send(request)
        except Err as error:
            raise HttpError.of(payload(error)) from None
        response = Response(answer, request)
        if self._metrics or self._callback:
            self._annotate(response)
        return response

    def _request(
        self, method, url, *, headers=(), cookies=None, auth=None, data=None, json=None, cert=None, allow_redirects=True,
        max_redirects=5, params=None, name=None, timeout=None, insecure=False, discard_body=False,
    ):
        url = text(url)
        if params:
            url = _with_params(url, params)
        pairs = [
            (text(key), text(value)) for key, value in (headers.items() if hasattr(headers, "items") else headers)
        ]
        body, kind = _body(data, json)
        if kind and not any(key.lower() == "content-type" for key, _ in pairs):
            pairs.append(("content-type", kind))
        if auth is not None:
            user, password = auth
            pairs.append(("authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()))
        for cookie in _cookies(url, cookies):
            self.set_cookie(cookie)
        return host.Request(
            text(method), url, pairs, body, None if name is None else text(name), current.get(),
            None if timeout is None else unsigned(max(timeout, 0) * 1e9, 64),
            unsigned(max_redirects, 32) if allow_redirects else 0, None if cert is None else self.identity(cert),
            bool(insecure), bool(discard_body),
        )

    def _annotate(self, response):
        metrics = dict(self._metrics or {})
        if self._callback:
            self._callback(response, metrics)
        if metrics:
            response.annotate(**metrics)

    def set_response_callback(self, callback):
        """`callback(response, metrics)` is called for each answer; what it puts into the dict goes into its message."""
        self._callback = callback

    def identity(self, cert):
        """The number of a client certificate `(key, chain)`, both the text of a PEM."""
        key, chain = cert
        for pem in (key, chain):
            if "-----BEGIN" not in text(pem):
                raise ValueError(f"cert must be the texts (key, chain) of PEM files, since a component has no files: {pem!r}")
        return _or_value_error(host.identity, chain, key)

    def cookies(self):
        """Names and values of all cookies."""
        return {cookie.name: cookie.value for cookie in host.cookies()}

    def get_cookie_list(self):
        return [Cookie(cookie.domain, cookie.name, cookie.value, cookie.path) for cookie in host.cookies()]

    def set_cookie(self, cookie):
        """Puts a `Cookie` into the session. Limit: 200; the oldest goes."""
        _or_value_error(host.set_cookie, host.Cookie(*map(text, (cookie.name, cookie.value, cookie.domain, cookie.path))))

    def erase_all_cookies(self):
        host.clear_cookies()


def _plain(method, url):
    """A request without options. Making one costs more than finding one, and most journeys ask for the same again and again."""
    request = _known.get((method, url))
    if request is None:
        if len(_known) >= KNOWN:
            _known.clear()
        request = host.Request(text(method), text(url), [], None, None, 0, None, 5, None, False, False)
        _known[method, url] = request
    request.transaction = current.get()
    return request


def _with_params(url, params):
    url, hash_, fragment = url.partition("#")
    return f"{url}{'&' if '?' in url else '?'}{urlencode(params, doseq=True)}{hash_}{fragment}"


def _body(data, json):
    """Bytes and the content-type that goes with them."""
    if json is not None:
        if data is not None:
            raise ValueError("a request has data or json, not both")
        return jsonlib.dumps(json).encode(), "application/json"
    if data is None:
        return None, None
    if isinstance(data, str):
        return data.encode(), _FORM
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), _FORM
    return urlencode(data, doseq=True).encode(), _FORM


def _cookies(url, cookies):
    for name, value in (cookies or {}).items():
        yield value if isinstance(value, Cookie) else Cookie(urlsplit(url).hostname or "", name, value)


def _or_value_error(function, *args):
    """Calls a function of the host whose error is a text."""
    try:
        return function(*args)
    except Err as error:
        raise ValueError(payload(error)) from None
