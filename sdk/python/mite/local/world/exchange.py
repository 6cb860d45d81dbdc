"""One request and its answer, timed."""

import email.message
import gzip
import http.client
import socket
import ssl
import time
import zlib
from urllib.parse import urlsplit


class Failed(Exception):
    """No answer; `reason` is the world's word for it."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Answer:
    """`timings` are nanoseconds since the beginning: dns, connect, tls, transfer start, first byte, total."""

    def __init__(self, status, headers, raw, timings, ip):
        self.status, self.headers, self.size, self.timings, self.ip = status, headers, len(raw), timings, ip
        self._raw = raw

    def body(self):
        encoding = dict((name.lower(), value) for name, value in self.headers).get("content-encoding", "identity")
        try:
            if encoding == "gzip":
                return gzip.decompress(self._raw)
            return zlib.decompress(self._raw) if encoding == "deflate" else self._raw
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"the body is broken: {error}") from None

    def info(self):
        """For `http.cookiejar`."""
        message = email.message.Message()
        for name, value in self.headers:
            message[name] = value
        return message

    def figures(self):
        names = ("dns_time", "connect_time", "tls_time", "transfer_start_time", "first_byte_time", "total_time")
        times = {name: ns / 1e9 for name, ns in zip(names, self.timings)}
        return times | {"response_code": self.status, "primary_ip": self.ip, "download_size": float(self.size)}


def exchange(method, url, headers, body, deadline, insecure, recording=None):
    """Makes a request, or answers it from a recording: a function that gets method, URL and body, and answers
    `(status, headers, body)` or None."""
    recorded = recording(method, url, body) if recording else None
    if recorded is not None:
        status, pairs, raw = recorded
        return Answer(status, list(pairs.items() if hasattr(pairs, "items") else pairs), raw, (0,) * 6, "127.0.0.1")
    parts, step, start = _split(url), "dns", time.monotonic_ns()
    try:
        left = max(deadline - time.monotonic(), 0.001)
        address = socket.getaddrinfo(parts.hostname, parts.port or _PORTS[parts.scheme], type=socket.SOCK_STREAM)[0]
        dns, step = time.monotonic_ns() - start, "connect"
        plain = socket.create_connection(address[4][:2], left)
        connect, tls, step = time.monotonic_ns() - start, 0, "tls"
        with plain:
            if parts.scheme == "https":
                plain = _context(insecure).wrap_socket(plain, server_hostname=parts.hostname)
                tls = time.monotonic_ns() - start
            step = "protocol"
            connection = http.client.HTTPConnection(parts.hostname, parts.port)
            connection.sock = plain
            sent = time.monotonic_ns() - start
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target, body, _headers(parts, headers))
            answer = connection.getresponse()
            first, raw = time.monotonic_ns() - start, answer.read()
            timings = (dns, connect, tls, sent, first, time.monotonic_ns() - start)
            return Answer(answer.status, answer.getheaders(), raw, timings, address[4][0])
    except TimeoutError:
        raise Failed("Timeout", step) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Failed(step.capitalize(), f"{type(error).__name__}: {error}") from None


_PORTS = {"http": 80, "https": 443}


def _split(url):
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Failed("Invalid", f"the URL must be http://HOST or https://HOST: {url!r}")
    return parts


def _headers(parts, headers):
    found = {"host": parts.netloc.rpartition("@")[2], "accept-encoding": "gzip, deflate", "connection": "close"}
    cookies = [value for name, value in headers if name.lower() == "cookie"]
    found |= {name.lower(): value for name, value in headers if name.lower() != "cookie"}
    return found | ({"cookie": "; ".join(cookies)} if cookies else {})


def _context(insecure):
    context = ssl.create_default_context()
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
