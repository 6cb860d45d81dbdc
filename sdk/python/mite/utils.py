"""Small things that journeys import from here."""

import asyncio


async def sleep(delay, loop=None):
    """Waits so many seconds. There is one `loop`, whatever is given."""
    await asyncio.sleep(delay)
