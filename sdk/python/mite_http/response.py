"""The answer to a request. The host keeps headers and body; only what is asked for is copied."""

import json
import shlex

from mite._config import payload
from mite._packer import pack, text
from mite._wit import Err
from mite_http.headers import Headers

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
    """`status_code`, `text`, `json()`, `headers` and so on. Times are seconds from the beginning of the request."""

    __slots__ = ("_answer", "_headers", "_request")

    def __init__(self, answer, request):
        self._answer, self._request, self._headers = answer, request, None

    @property
    def status_code(self):
        return self._answer.status

    response_code = status = status_code

    @property
    def ok(self):
        """Whether the status is below 400."""
        return self._answer.status < 400

    @property
    def url(self):
        """Where this answer came from, after redirects."""
        return self._answer.content.url()

    @property
    def redirect_url(self):
        """Where a redirect that wasn't followed leads to; None for other answers."""
        return self.header_value("location") if 300 <= self._answer.status < 400 else None

    def header_value(self, name):
        """A header's value or None, without copying the others."""
        return self._answer.content.header(text(name))

    @property
    def headers(self):
        """A mapping whose names match in any case; values of a header that came more than once are joined by `, `."""
        if self._headers is None:
            self._headers = Headers(self._answer.content.headers())
        return self._headers

    @property
    def headers_tuple(self):
        """All headers in the order they came, names in lower case."""
        return tuple(self._answer.content.headers())

    @property
    def header(self):
        """The headers as one text."""
        return "".join(f"{name}: {value}\r\n" for name, value in self._answer.content.headers())

    @property
    def body(self):
        """Bytes, decompressed."""
        return self._read(self._answer.content.body)

    content = body

    @property
    def text(self):
        """The body by the charset of its content-type, Latin-1 or else UTF-8."""
        charset = self.encoding
        if charset in (None, "utf-8", "latin-1"):
            return self._read(self._answer.content.text)
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
        pairs = (value for name, value in self._answer.content.headers() if name == "set-cookie")
        split = (pair.partition(";")[0].partition("=") for pair in pairs)
        return {name.strip(): value.strip() for name, _, value in split}

    @property
    def history(self):
        """The redirects that led here, first one first, each with `status_code` and `url`."""
        return [Hop(hop.status, hop.url) for hop in self._answer.content.history()]

    @property
    def request(self):
        return Request(self._request)

    @property
    def total_time(self):
        return self._answer.timings.total / 1e9

    @property
    def namelookup_time(self):
        return self._answer.timings.dns / 1e9

    @property
    def connect_time(self):
        return self._answer.timings.connect / 1e9

    @property
    def appconnect_time(self):
        return self._answer.timings.tls / 1e9

    @property
    def pretransfer_time(self):
        return self._answer.timings.transfer_start / 1e9

    @property
    def starttransfer_time(self):
        return self._answer.timings.first_byte / 1e9

    @property
    def download_size(self):
        """Bytes of the body as they came."""
        return self._answer.body_size

    @property
    def upload_size(self):
        """Bytes of the request's body."""
        return len(self._request.body or b"")

    @property
    def primary_ip(self):
        return self._answer.content.primary_ip()

    def annotate(self, **fields):
        """Adds fields to this answer's `http_metrics` message, until the journey's next call of anything but this answer.
        Limit: 32 fields, 8 KiB; what is over is left out and counted."""
        self._answer.content.annotate(pack(fields))

    @staticmethod
    def _read(function):
        try:
            return function()
        except Err as error:
            raise HttpError("body", payload(error)) from None

    def __repr__(self):
        return f"<Response {self._answer.status}>"


class Hop:
    """A redirect that was followed."""

    __slots__ = ("status_code", "url")

    def __init__(self, status_code, url):
        self.status_code, self.url = status_code, url

    def __repr__(self):
        return f"<Hop {self.status_code} {self.url}>"


class Request:
    """What was sent."""

    __slots__ = ("_request",)

    def __init__(self, request):
        self._request = request

    @property
    def method(self):
        return self._request.method.encode()

    @property
    def url(self):
        return self._request.url

    @property
    def headers(self):
        return Headers(self._request.headers)

    @property
    def data(self):
        return self._request.body

    def to_curl(self):
        """The same as a command for a shell."""
        words = ["curl", "-X", self._request.method]
        for name, value in self._request.headers:
            words += ["-H", f"{name}: {value}"]
        if self._request.body is not None:
            words += ["--data-binary", self._request.body.decode("utf-8", "replace")]
        return shlex.join([*words, self._request.url])
