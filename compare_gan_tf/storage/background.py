"""Writing in another thread, so that the caller does not wait for a disk."""

import collections
import concurrent.futures
from collections.abc import Callable

_MOST = 1000  # tasks that may wait


class Background:
    """Runs tasks one after the other in a thread, in the order in which they are submitted.

    The error of a task is raised in the caller's thread, by the next `submit` or `wait`.

    Args:
      before_each: is called before each task, which is not run if it raises; None for nothing.
    """

    def __init__(self, before_each: Callable[[], None] | None = None):
        self._before_each = before_each
        self._pool = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="background")
        self._tasks: collections.deque[concurrent.futures.Future] = collections.deque()

    def submit(self, task: Callable, *arguments) -> concurrent.futures.Future:
        """Adds a task; waits only if a thousand others are not done yet.

        Raises:
          Exception: the error of an earlier task.
        """
        while self._tasks and (self._tasks[0].done() or len(self._tasks) >= _MOST):
            self._tasks.popleft().result()
        self._tasks.append(self._pool.submit(self._run, task, *arguments))
        return self._tasks[-1]

    def _run(self, task: Callable, *arguments):
        if self._before_each is not None:
            self._before_each()
        return task(*arguments)

    def wait(self) -> None:
        """Waits until all tasks are done.

        Raises:
          Exception: the error of a task.
        """
        while self._tasks:
            self._tasks.popleft().result()

    def close(self) -> None:
        """Waits until all tasks are done, and ends the thread; errors are not raised."""
        self._pool.shutdown(wait=True)
