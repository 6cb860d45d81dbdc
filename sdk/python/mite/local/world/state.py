"""What the host knows of a run."""

import http.cookiejar
import time


class Run:
    """One run of a journey: its config, its session and all messages that it has sent."""

    def __init__(self, config=None):
        self.config = dict(config or {})
        self.cookies = http.cookiejar.CookieJar()
        self.messages = []
        self.transactions = {1: ("__root__", time.time(), 0)}
        self.opened = 1
        #: Answers a request from a recording, or None to make it.
        self.recording = None

    def tell(self, message_type, fields, transaction):
        name = self.transactions.get(transaction, ("__root__",))[0]
        self.messages.append(fields | {"type": message_type, "time": time.time(), "transaction": name})


#: The run that goes on; the journey's functions use this one.
run = Run()


def begin(config=None):
    """Begins a run of its own."""
    global run
    run = Run(config)
    return run
