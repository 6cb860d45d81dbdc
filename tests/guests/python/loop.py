"""asyncio over the host's `wait-any`."""

import asyncio
import weakref

from wit_world.imports import http, timing, waiting


class Loop(asyncio.BaseEventLoop):
    """asyncio's own loop; its selector is the host's `wait-any`, so nothing here ever spins."""

    def __init__(self):
        super().__init__()
        self._selector = self
        self._clock_resolution = 1e-6
        self._pending = {}
        self._tasks = weakref.WeakSet()

    def time(self):
        return timing.now() / 1e9

    def select(self, timeout):
        ns = None if timeout is None else int(timeout * 1e9) + (timeout > 0)
        if not self._pending:
            if ns is None:  # the host would trap
                raise RuntimeError("the journey waits for something that can never happen")
            if ns:
                timing.sleep(ns)
            return ()
        futures = list(self._pending)
        return [futures[i] for i in waiting.wait_any(list(self._pending.values()), ns)]

    def _process_events(self, events):
        for future in events:
            if not future.done():
                future.set_result(None)

    def alone(self):
        """True while the running task is all there is: then a blocking call loses nothing."""
        return not (self._ready or self._scheduled or self._pending)

    def create_task(self, *args, **options):
        task = super().create_task(*args, **options)
        self._tasks.add(task)
        return task

    async def send(self, request):
        if self.alone():
            return http.send(request)
        future, pending = self.create_future(), http.start(request)
        self._pending[future] = pending
        try:
            await future
        except BaseException:
            pending.__exit__(None, None, None)  # drops the handle, so that the host cancels the request
            raise
        finally:
            del self._pending[future]
        return http.finish(pending)

    def run(self, coroutine):
        """run_until_complete, and then nothing of this journey is left behind."""
        asyncio._set_running_loop(self)
        self._tasks = weakref.WeakSet()
        try:
            task = self.create_task(coroutine)
            try:
                while not task.done():
                    self._run_once()
                return task.result()
            finally:
                rest = [task for task in self._tasks if not task.done()]
                if rest or not self.alone():
                    self._cancel(rest)
                del task  # its exception refers to this frame: a cycle would keep the journey's handles until the next gc
        finally:
            asyncio._set_running_loop(None)

    def _cancel(self, rest):
        for task in rest:
            task.cancel()
        try:
            while any(not task.done() for task in rest):
                self._run_once()
        finally:  # a task that won't be cancelled must not be part of the next run
            self._ready.clear()
            self._scheduled.clear()
            self._pending.clear()

    def is_running(self):
        return asyncio._get_running_loop() is self
