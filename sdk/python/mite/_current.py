"""The transaction that goes on, by task."""

import contextvars

ROOT = 1
current = contextvars.ContextVar("transaction", default=ROOT)
