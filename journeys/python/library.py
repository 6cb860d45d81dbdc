"""What of Python's library is in a component: the table of `docs/python.md`, looked at from inside."""

import datetime
import gzip
import hashlib
import importlib
import random
import threading
import time
import uuid
import zoneinfo

NAMES = """
abc argparse array asyncio base64 binascii bisect calendar cmath collections configparser contextlib copy csv dataclasses datetime decimal
difflib email.message enum fractions functools gzip hashlib heapq hmac html html.parser http.cookies io ipaddress itertools json
locale logging math mimetypes operator pathlib pickle pprint queue random re secrets statistics string struct textwrap time tomllib
traceback types typing unicodedata unittest urllib.parse uuid weakref xml.etree.ElementTree zlib
bz2 ctypes curses fcntl lzma mmap readline resource ssl termios tkinter
""".split()


def missing():
    """Those that can't be imported. Only while the component is built: later there are no files to import."""
    for name in NAMES:
        try:
            importlib.import_module(name)
        except ImportError:
            yield name


MISSING = list(missing())
#: Drawn as the component was built, so the same in every instance.
FROZEN = random.random()


def refused(function):
    try:
        function()
    except Exception as error:
        return type(error).__name__
    return "nothing"


def threads():
    threading.Thread(target=print).start()


async def library(ctx):
    now = datetime.datetime.now(datetime.timezone.utc)
    ctx.send(
        "library",
        works=[name for name in NAMES if name not in MISSING], missing=MISSING, frozen=FROZEN, drawn=random.random(),
        identity=str(uuid.uuid4()), late=abs(time.time() - now.timestamp()) < 60 and now.year >= 2025,
        packed=gzip.decompress(gzip.compress(b"tea")) == b"tea", digest=hashlib.sha256(b"").hexdigest()[:8],
        thread=refused(threads), file=refused(lambda: open("journeys.py")), zone=refused(lambda: zoneinfo.ZoneInfo("Europe/London")),
    )
