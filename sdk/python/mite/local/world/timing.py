import time

now = time.monotonic_ns


def sleep(ns):
    time.sleep(ns / 1e9)


def sleep_until(at):
    sleep(max(0, at - now()))


def intended():
    return now()


def should_stop():
    return False
