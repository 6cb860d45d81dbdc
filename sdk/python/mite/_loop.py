"""asyncio over the host's `wait-any`.

The loop is asyncio's own; its selector is the host, so nothing here ever spins. While a run has a single task a request is one
blocking call: no future, no switch.
"""

import asyncio
import functools
import sys
import types
import weakref

from mite._wit import flat, timing, waiting

#: What tasks have that are cancelled at the end of a run; those that go on after it are dropped.
CLEANUP_SECONDS = 1.0


class Loop(asyncio.BaseEventLoop):
    def __init__(self):
        super().__init__()
        self._selector = self
        self._clock_resolution = 1e-6
        self._pending = {}
        #: Tasks beside the run's own, once there are any.
        self._tasks = None

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

    def __del__(self):
        pass  # there is nothing to close

    def _write_to_self(self):
        pass  # there is one thread

    def alone(self):
        """True while the running task is all there is: then a blocking call loses nothing."""
        return not (self._ready or self._scheduled or self._pending)

    # Every task asks for it, and this answers without running any Python.
    get_debug = staticmethod(bool)

    def create_task(self, *args, **options):
        task = super().create_task(*args, **options)
        if self._tasks is None:
            self._tasks = weakref.WeakSet()
        self._tasks.add(task)
        return task

    def run_in_executor(self, executor, func, *args):
        raise RuntimeError("there are no threads in a component: await something, or call the function itself")

    async def send(self, *request):
        """Makes a request beside whatever else the run waits for; it and the answer are `flat.send`'s."""
        future, pending = self.create_future(), flat.start(*request)
        self._pending[future] = pending
        try:
            await future
        except BaseException:
            pending.__exit__(None, None, None)  # drops the handle, so that the host cancels the request
            raise
        finally:
            del self._pending[future]
        return flat.finish(pending)

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
        _set_running_loop(self)
        try:
            task = _task(coroutine)
            try:
                while not task.done():
                    self._run_once()
                return task.result()
            finally:
                if self._tasks is not None or self._ready or self._scheduled or self._pending or not task.done():
                    self._cancel([task, *(self._tasks or ())])
                del task  # its exception refers to this frame: a cycle would keep the journey's handles until the next gc
        finally:
            _set_running_loop(None)

    def _cancel(self, tasks):
        """Cancels what a run has left behind and lets it clean up, for a second at most."""
        rest = [task for task in tasks if not task.done()]
        self._tasks = None
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
_set_running_loop = asyncio._set_running_loop
# The first step of a run's task is made as the task is: without side tasks it is the only one.
_task = functools.partial(asyncio.Task, loop=loop, **({"eager_start": True} if sys.version_info >= (3, 12) else {}))


@types.coroutine
def _over():
    return
    yield


#: Something to await that is there already: `async with` needs it, and a generator that is at its end costs least.
DONE = _over()
next(DONE, None)
