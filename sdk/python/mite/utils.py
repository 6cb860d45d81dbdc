"""Small things that journeys import from here."""

import asyncio


async def sleep(delay):
    """Waits so many seconds."""
    await asyncio.sleep(delay)
