"""For tests of journeys under plain CPython."""

import functools

from mite.context import Context


class _Given(dict):
    """A config that a test gives."""


def test_context(**config):
    """A context whose config is what is given. Its messages go to the local host; see `mite.local`."""
    context = Context()
    context.config = _Given(config)
    return context


test_context.__test__ = False  # pytest: it isn't one


def http_spy(journey):
    """Runs as `journey` does and answers `{"http": {"get": [responses], ...}}`."""

    @functools.wraps(journey)
    async def spied(ctx, *args):
        seen = {}
        request = ctx.http.request

        async def noted(method, url, **options):
            response = await request(method, url, **options)
            seen.setdefault(method.lower(), []).append(response)
            return response

        ctx.http.request = noted
        await journey(ctx, *args)
        return {"http": seen}

    return spied
