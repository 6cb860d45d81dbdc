import threading

_changed = threading.Condition()
#: As in the runner.
AT_ONCE = 1_000
_under_way = 0


class Pending:
    """Something that a thread does."""

    def __init__(self, work):
        global _under_way
        if _under_way >= AT_ONCE:
            raise RuntimeError(f"a journey has at most {AT_ONCE:,} requests under way")
        _under_way += 1
        self._done, self.answer = False, None
        threading.Thread(target=self._work, args=(work,), daemon=True).start()

    def _work(self, work):
        global _under_way
        answer = work()
        with _changed:
            self.answer, self._done = answer, True
            _under_way -= 1
            _changed.notify_all()

    def ready(self):
        return self._done

    def __exit__(self, kind, error, trace):
        pass


def wait_any(things, timeout):
    with _changed:
        _changed.wait_for(lambda: any(it.ready() for it in things), None if timeout is None else timeout / 1e9)
    return [at for at, it in enumerate(things) if it.ready()]
