"""A ZeroMQ socket of libzmq, told what to do by lines on stdin; each is answered by a line on stdout."""

import sys

import zmq
from zmq.utils.monitor import recv_monitor_message

context = zmq.Context()
socket = None
monitor = None


def say(*words):
    print(*words, flush=True)


def number(frame):
    return int.from_bytes(frame[:8], "big")


def record(value, size):
    return value.to_bytes(8, "big") + bytes(size - 8)


def make(kind, *options):
    """socket PULL RCVHWM=10 ..."""
    global socket, monitor
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 5000
    for option in options:
        name, value = option.split("=")
        socket.setsockopt(getattr(zmq, name), int(value))
    monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    say("ok")


def bind(endpoint):
    socket.bind(endpoint)
    say("bound", socket.getsockopt_string(zmq.LAST_ENDPOINT))


def connect(endpoint):
    socket.connect(endpoint)
    say("ok")


def send(messages, frames, size, first):
    """So many messages of so many frames of so many bytes, numbered."""
    value = int(first)
    for _ in range(int(messages)):
        numbers = range(value, value + int(frames))
        socket.send_multipart([record(n, int(size)) for n in numbers])
        value += int(frames)
    say("sent", value - int(first))


def recv(records):
    """As Python mite does it: recv() again and again, without a look at RCVMORE."""
    numbers = [number(socket.recv()) for _ in range(int(records))]
    say("received", len(numbers), numbers == sorted(numbers), len(set(numbers)), sum(numbers))


def messages(count):
    """How many frames each message has."""
    say("frames", *[len(socket.recv_multipart()) for _ in range(int(count))])


def drain():
    """Receives for ever; after each message says how many records there were, and the last one."""
    records = 0
    while True:
        frames = socket.recv_multipart()
        records += len(frames)
        say("drained", records, number(frames[-1]))


def echo(count):
    """REP or ROUTER: sends back what comes."""
    for _ in range(int(count)):
        socket.send_multipart(socket.recv_multipart())
    say("echoed", count)


def ask(count):
    """REQ: one after the other."""
    for value in range(int(count)):
        socket.send(record(value, 50))
        assert socket.recv() == record(value, 50)
    say("asked", count)


def dealer(count):
    """DEALER: all at once, each with two frames of envelope."""
    for value in range(int(count)):
        socket.send_multipart([b"tag", b"", record(value, 50)])
    replies = [socket.recv_multipart() for _ in range(int(count))]
    assert all(reply[:2] == [b"tag", b""] and len(reply) == 3 for reply in replies)
    say("dealt", len({number(reply[2]) for reply in replies}))


def close():
    """As a program does at its end: once all is on its way, which is not yet where it goes."""
    socket.disable_monitor()
    monitor.close()
    socket.close(linger=30000)
    context.term()
    say("closed")


def disconnects():
    """How often a connection was lost so far."""
    count = 0
    while monitor.poll(0):
        recv_monitor_message(monitor)
        count += 1
    say("disconnects", count)


COMMANDS = dict(
    socket=make, bind=bind, connect=connect, send=send, recv=recv, messages=messages, drain=drain, echo=echo, ask=ask,
    dealer=dealer, close=close, disconnects=disconnects,
)

for line in sys.stdin:
    name, *words = line.split()
    COMMANDS[name](*words)
