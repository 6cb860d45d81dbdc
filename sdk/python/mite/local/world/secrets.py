"""In plain CPython a secret is the variable `MITE_SECRET_name`, and the journey has its value: there is no host to fill it in."""

import os


def get(name):
    return os.environ.get(f"MITE_SECRET_{name}")
