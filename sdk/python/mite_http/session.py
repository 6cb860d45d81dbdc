"""`ctx.http`: requests and cookies of one run."""

import base64
import json as jsonlib
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from mite._config import payload
from mite._current import current
from mite._loop import loop
from mite._packer import text, unsigned
from mite._wit import Err, flat
from mite._wit import http as host
from mite_http.response import HttpError, Response

#: The last argument of `flat.send`.
PLAIN, INSECURE, DISCARD_BODY = 5, 65_536, 131_072
_NO_HEADERS = []
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

    _metrics = _callback = None

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
        return self.request("GET", url, **options) if options else self.request("GET", url)

    def post(self, url, **options):
        return self.request("POST", url, **options) if options else self.request("POST", url)

    def put(self, url, **options):
        return self.request("PUT", url, **options) if options else self.request("PUT", url)

    def patch(self, url, **options):
        return self.request("PATCH", url, **options) if options else self.request("PATCH", url)

    def delete(self, url, **options):
        return self.request("DELETE", url, **options) if options else self.request("DELETE", url)

    def head(self, url, **options):
        return self.request("HEAD", url, **options) if options else self.request("HEAD", url)

    def options(self, url, **options):
        return self.request("OPTIONS", url, **options) if options else self.request("OPTIONS", url)

    async def request(self, method, url, **options):
        """Makes a request. An answer of any status is an answer; none is an `HttpError`."""
        if options:
            sent, name, timeout, how = self._request(method, url, **options)
            method, url, headers, body, *_ = sent
        else:
            if not (type(url) is str is type(method) and url.isascii() and method.isascii()):
                method, url = text(method), text(url)
            headers, body, name, timeout, how = _NO_HEADERS, None, "", 0, PLAIN
            sent = method, url, headers, body
        if loop._ready or loop._scheduled or loop._pending:
            answer = await loop.send(method, url, headers, body, name, current.get(), timeout, how)
        else:  # nothing else waits: a blocking call loses nothing
            answer = flat.send(method, url, headers, body, name, current.get(), timeout, how)
        if answer < 65_536:
            raise HttpError.of(flat.failure())
        response = Response(answer >> 16, answer & 65_535, sent)
        if self._metrics or self._callback:
            self._annotate(response)
        return response

    def _request(
        self, method, url, *, headers=(), cookies=None, auth=None, data=None, json=None, cert=None, allow_redirects=True,
        max_redirects=5, params=None, name=None, timeout=None, insecure=False, discard_body=False,
    ):
        """What is told of the request later, and what else `flat.send` needs."""
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
        how = min(unsigned(max_redirects, 32), 65_535) if allow_redirects else 0
        how += (INSECURE if insecure else 0) + (DISCARD_BODY if discard_body else 0)
        if cert is not None:
            how += (self.identity(cert) + 1) << 32
        # 0 would be the runner's own limit.
        timeout = 0 if timeout is None else max(1, unsigned(max(timeout, 0) * 1e9, 64))
        sent = text(method), url, pairs, body, auth, cookies, cert
        return sent, "" if name is None else text(name), timeout, how

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

    # The session ends with the run, and so do its cookies: they all are of the session.
    erase_session_cookies = erase_all_cookies


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
