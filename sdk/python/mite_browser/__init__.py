"""Pages, forms and links: `ctx.browser`, on Python's own html.parser."""

import functools

from mite import ElementNotFoundError, OptionError, ensure_fixed_separation
from mite_browser.browser import Browser
from mite_browser.dom import Element
from mite_browser.form import Form
from mite_browser.page import Page
from mite_http import mite_http

__all__ = [
    "Browser", "Element", "ElementNotFoundError", "Form", "OptionError", "Page", "browser_decorator", "mite_browser",
]


def browser_decorator(separation=0, embedded_resources=False):
    """Gives a journey `ctx.browser` and makes it last at least `separation` seconds. With `embedded_resources` a page's scripts,
    style sheets and images are got with it, side by side."""

    def decorate(journey):
        @mite_http
        @functools.wraps(journey)
        async def decorated(ctx, *args):
            ctx.browser = Browser(ctx.http, embedded_resources)
            async with ensure_fixed_separation(separation):
                return await journey(ctx, *args)

        return decorated

    return decorate


mite_browser = browser_decorator()
