"""The answer to a request. The host keeps headers and body; only what is asked for is copied."""

import json
import shlex

from mite._config import payload
from mite._packer import pack, text
from mite._wit import Err, flat
from mite_http.headers import AnswerHeaders, Headers

_WORDS = {"cancelled": "the request was given up"}


class HttpError(OSError):
    """Why there is no answer, or why its body can't be had.

    `reason` is `dns`, `connect`, `tls`, `timeout`, `protocol`, `cancelled`, `denied`, `invalid`, `redirects` or `body`.
    """

    def __init__(self, reason, message=""):
        super().__init__(f"{reason}: {message}" if message else reason)
        self.reason = reason

    @classmethod
    def of(cls, error):
        """The host's error."""
        reason = type(error).__name__.removeprefix("Error_").lower()
        value = getattr(error, "value", _WORDS.get(reason, ""))
        return cls(reason, f"more than {value} redirects" if reason == "redirects" else value)


class Response:
    """`status_code`, `text`, `json()`, `headers` and so on. Times are seconds from the beginning of the request.

    The host has it under a number until nobody refers to this any more; a handle is made only for what is seldom asked for.
    """

    __slots__ = ("__weakref__", "_figures", "_handle", "_number", "_sent", "status_code")

    def __init__(self, status, number, sent):
        #: The status.
        self.status_code = status
        self._number, self._sent, self._handle = number, sent, None

    def __del__(self):
        if self._handle is None:
            flat.forget(self._number)

    def __copy__(self, memo=None):
        return self  # there is one in the host

    __deepcopy__ = __copy__

    def __reduce__(self):
        raise TypeError("an answer can't be pickled: take what you need of it")

    @property
    def status(self):
        return self.status_code

    response_code = status

    @property
    def ok(self):
        """Whether the status is below 400."""
        return self.status_code < 400

    @property
    def _content(self):
        if self._handle is None:
            self._handle = flat.handle(self._number)
        return self._handle

    @property
    def url(self):
        """Where this answer came from, after redirects."""
        return self._content.url()

    @property
    def redirect_url(self):
        """Where a redirect that wasn't followed leads to; None for other answers."""
        return self.header_value("location") if 300 <= self.status_code < 400 else None

    def header_value(self, name):
        """A header's value or None, without copying the others."""
        return flat.header(self._number, text(name))

    @property
    def headers(self):
        """A mapping whose names match in any case; values of a header that came more than once are joined by `, `."""
        return AnswerHeaders(self)

    @property
    def headers_tuple(self):
        """All headers in the order they came, names in lower case."""
        return tuple(self._content.headers())

    @property
    def header(self):
        """The headers as one text."""
        return "".join(f"{name}: {value}\r\n" for name, value in self._content.headers())

    @property
    def body(self):
        """Bytes, decompressed."""
        body = flat.body(self._number)
        return _read(self._content.body) if body is None else body

    content = body

    @property
    def text(self):
        """The body by the charset of its content-type, Latin-1 or else UTF-8."""
        charset = self.encoding
        if charset in (None, "utf-8", "latin-1"):
            body = flat.text(self._number)
            return _read(self._content.text) if body is None else body
        return self.body.decode(charset, "replace")

    @property
    def encoding(self):
        """The charset that the content-type names, if Python knows it."""
        kind = self.header_value("content-type") or ""
        name = kind.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
        return {"utf8": "utf-8", "iso-8859-1": "latin-1", "latin1": "latin-1", "": None}.get(name, name) or None

    def json(self):
        """The body's JSON; a ValueError if it is none."""
        return json.loads(self.body)

    @property
    def cookies(self):
        """Names and values that this answer sets."""
        pairs = (value for name, value in self._content.headers() if name == "set-cookie")
        split = (pair.partition(";")[0].partition("=") for pair in pairs)
        return {name.strip(): value.strip() for name, _, value in split}

    @property
    def history(self):
        """The redirects that led here, first one first, each with `status_code` and `url`."""
        return [Hop(hop.status, hop.url) for hop in self._content.history()]

    @property
    def request(self):
        return Request(*self._sent)

    def _figure(self, at):
        try:
            return self._figures[at]
        except AttributeError:
            self._figures = flat.figures(self._number)
            return self._figures[at]

    @property
    def total_time(self):
        return self._figure(6) / 1e9

    @property
    def start_time(self):
        """When the request began, in seconds since 1970."""
        return self._figure(7)

    @property
    def namelookup_time(self):
        return self._figure(1) / 1e9

    @property
    def connect_time(self):
        return self._figure(2) / 1e9

    @property
    def appconnect_time(self):
        return self._figure(3) / 1e9

    @property
    def pretransfer_time(self):
        return self._figure(4) / 1e9

    @property
    def starttransfer_time(self):
        return self._figure(5) / 1e9

    @property
    def download_size(self):
        """Bytes of the body as they came."""
        return self._figure(0)

    @property
    def upload_size(self):
        """Bytes of the request's body."""
        return len(self._sent[3] or b"")

    @property
    def primary_ip(self):
        return self._content.primary_ip()

    def annotate(self, **fields):
        """Adds fields to this answer's `http_metrics` message, until the journey's next call of anything but this answer.
        Limit: 32 fields, 8 KiB; what is over is left out and counted."""
        self._content.annotate(pack(fields))

    def __repr__(self):
        return f"<Response {self.status_code}>"


def _read(function):
    try:
        return function()
    except Err as error:
        raise HttpError("body", payload(error)) from None


class Hop:
    """A redirect that was followed."""

    __slots__ = ("status_code", "url")

    def __init__(self, status_code, url):
        self.status_code, self.url = status_code, url

    def __repr__(self):
        return f"<Hop {self.status_code} {self.url}>"


class Request:
    """What was sent: `method`, `url`, `headers`, `data`."""

    __slots__ = ("_headers", "_method", "auth", "cert", "cookies", "data", "url")

    def __init__(self, method, url, headers, body, auth=None, cookies=None, cert=None):
        self._method, self.url, self._headers, self.data = method, url, headers, body
        #: What the request was made with; `cookies` are those of its own, not the session's.
        self.auth, self.cookies, self.cert = auth, dict(cookies or {}), cert

    @property
    def method(self):
        return self._method.encode()

    @property
    def headers(self):
        return Headers(self._headers)

    def to_curl(self):
        """The same as a command for a shell."""
        words = ["curl", "-X", self._method]
        for name, value in self._headers:
            words += ["-H", f"{name}: {value}"]
        for name, value in self.cookies.items():
            words += ["--cookie", f"{name}={getattr(value, 'value', value)}"]
        if self.data is not None:
            words += ["--data-binary", self.data.decode("utf-8", "replace")]
        return shlex.join([*words, self.url])
