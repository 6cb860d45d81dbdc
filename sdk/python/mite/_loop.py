"""asyncio over the host's `wait-any`.

The loop is asyncio's own; its selector is the host, so nothing here ever spins. While a run has a single task a request is one
blocking call: no future, no switch.
"""

import asyncio
import sys
import weakref

from mite._wit import http, timing, waiting

# The first step of a run's task is made as the task is: without side tasks it is the only one.
_EAGER = {"eager_start": True} if sys.version_info >= (3, 12) else {}


#: What tasks have that are cancelled at the end of a run; those that go on after it are dropped.
CLEANUP_SECONDS = 1.0


class Loop(asyncio.BaseEventLoop):
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

    def _write_to_self(self):
        pass  # there is one thread

    def alone(self):
        """True while the running task is all there is: then a blocking call loses nothing."""
        return not (self._ready or self._scheduled or self._pending)

    def create_task(self, *args, **options):
        task = super().create_task(*args, **options)
        self._tasks.add(task)
        return task

    def run_in_executor(self, executor, func, *args):
        raise RuntimeError("there are no threads in a component: await something, or call the function itself")

    async def send(self, request):
        """Makes a request beside whatever else the run waits for."""
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

    async def sleep_until(self, at):
        """Waits until the clock of `timing` is at `at`."""
        if self.alone():
            timing.sleep_until(at)
        else:
            future = self.create_future()
            handle = self.call_at(at / 1e9, self._wake, future)
            try:
                await future
            finally:
                handle.cancel()

    @staticmethod
    def _wake(future):
        if not future.done():
            future.set_result(None)

    def run(self, coroutine):
        """run_until_complete, and then nothing of this run is left behind."""
        asyncio._set_running_loop(self)
        try:
            task = asyncio.Task(coroutine, loop=self, **_EAGER)
            try:
                while not task.done():
                    self._run_once()
                return task.result()
            finally:
                if self._tasks or not task.done() or not self.alone():
                    self._cancel([task, *self._tasks])
                del task  # its exception refers to this frame: a cycle would keep the journey's handles until the next gc
        finally:
            asyncio._set_running_loop(None)

    def _cancel(self, tasks):
        """Cancels what a run has left behind and lets it clean up, for a second at most."""
        rest = [task for task in tasks if not task.done()]
        self._tasks = weakref.WeakSet()
        for task in rest:
            task.cancel()
        end = self.time() + CLEANUP_SECONDS
        try:
            timer = self.call_at(end, self._nothing) if rest else None
            while any(not task.done() for task in rest) and self.time() < end:
                self._run_once()
            if timer:
                timer.cancel()
        finally:  # a task that won't be cancelled must not be part of the next run
            self._ready.clear()
            self._scheduled.clear()
            self._pending.clear()

    @staticmethod
    def _nothing():
        """Wakes the loop."""

    def is_running(self):
        return asyncio._get_running_loop() is self


loop = Loop()

#: Something to await that is there already: `async with` needs it, and this one costs least.
DONE = loop.create_future()
DONE.set_result(None)
