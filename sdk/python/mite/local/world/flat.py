"""`http` and `transaction` in numbers and texts."""

from mite.local.errors import Err
from mite.local.world import http, transaction

_answers, _made, _failure = {}, 0, None


def _request(method, url, headers, body, name, transaction, timeout, options):
    identity = options >> 32
    return http.Request(
        method, url, headers, body, name or None, transaction, timeout or None, options & 65_535, identity - 1 if identity else None,
        bool(options & 65_536), bool(options & 131_072),
    )


def _number(function, *args):
    global _made, _failure
    try:
        answer = function(*args)
    except Err as error:
        _failure = error.value
        return 0
    _made = _made % 60_000 + 1
    _answers[_made] = answer
    return (answer.status << 16) + _made


def send(*request):
    return _number(http.send, _request(*request))


def start(*request):
    return http.start(_request(*request))


def finish(pending):
    return _number(http.finish, pending)


def failure():
    return _failure


def header(answer, name):
    return handle(answer).header(name)


def body(answer):
    try:
        return handle(answer).body()
    except Err:
        return None


def text(answer):
    try:
        return handle(answer).text()
    except Err:
        return None


def figures(answer):
    answer = _answers[answer]
    at = answer.timings
    return answer.body_size, at.dns, at.connect, at.tls, at.transfer_start, at.first_byte, at.total, answer.content.start


def handle(answer):
    return _answers[answer].content


def forget(answer):
    _answers.pop(answer, None)


def end(id, failed):
    transaction.end(id, transaction.Outcome_Failed() if failed else transaction.Outcome_Ok())
