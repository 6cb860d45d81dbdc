"""HTTP of journeys: `@mite_http` and what `ctx.http` gives."""

import inspect

import mite  # noqa: F401  first, since it uses the session below
from mite_http.response import HttpError, Response
from mite_http.session import Cookie, Session

__all__ = ["Cookie", "HttpError", "Response", "Session", "create_http_cookie", "mite_http"]


def mite_http(function):
    """Marks a journey that makes requests. `ctx.http` is there without it as well."""
    if not inspect.iscoroutinefunction(inspect.unwrap(function)):
        raise TypeError(f"a journey is async: write `async def {getattr(function, '__name__', 'visit')}(ctx):`")
    return function


def create_http_cookie(ctx, domain, name, value):
    """A cookie for the option `cookies` of a request."""
    return Cookie(domain, name, value)
