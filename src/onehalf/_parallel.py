"""Independent tasks: on the cores of this machine, or wherever a user's joblib backend takes them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

__all__ = ["run_tasks"]

Result = TypeVar("Result")


def run_tasks(tasks: Sequence[Callable[[], Result]], *, threads: int = 1) -> Iterator[Result]:
    """Run tasks that do not depend on each other, and yield their results in their order.

    Inside `with joblib.parallel_config(...)` they run as the user has set it there, on a cluster for instance. A task
    is sent with all that it refers to, and nothing is left on a worker: one that dies takes no data with it, and its
    tasks run again elsewhere.

    Args:
        tasks: Functions without arguments.
        threads: Where the user has set nothing: threads, -1 for one per core. With 1, a task runs when its result is
            asked for.

    >>> import joblib
    >>> list(run_tasks([lambda: 1, lambda: 2]))
    [1, 2]
    >>> with joblib.parallel_config(backend="threading", n_jobs=2):
    ...     list(run_tasks([lambda: 1, lambda: 2]))
    [1, 2]
    """
    # imported here, as samples are drawn without it
    import joblib

    count_jobs: Any = joblib.effective_n_jobs
    configured = count_jobs(None)
    jobs = configured if configured > 1 else threads
    if jobs == 1 or len(tasks) == 1:
        yield from (task() for task in tasks)
    else:
        run: Any = joblib.Parallel(n_jobs=jobs, prefer="threads")
        yield from run(joblib.delayed(task)() for task in tasks)
