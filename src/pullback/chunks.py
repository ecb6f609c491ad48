"""Work in chunks: one after another or by an executor, with a progress bar where it is wanted."""

from __future__ import annotations

import contextvars
import operator
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import Executor

import numpy as np

Chunk = tuple[int, int]


def checked_size(transform: str, size: Any) -> int | None:
    """`chunk_size` as an int or None, or an error."""
    if size is None:
        return None
    wrong = ValueError(
        f"pullback.{transform}: chunk_size must be an integer of at least 1, or None, got {size!r}"
    )
    if isinstance(size, (bool, np.bool_)):
        raise wrong
    try:
        number = operator.index(size)
    except TypeError:
        raise wrong from None
    if number < 1:
        raise wrong
    return number


def split(count: int, size: int | None, executor: Executor | None) -> list[Chunk]:
    """`count` in chunks (start, stop) of at most `size`; without one, a chunk for each core.

    There is always one, if only an empty one.
    """
    if size is None:
        size = max(1, -(-count // (os.cpu_count() or 1))) if executor else max(1, count)
    return [(start, min(start + size, count)) for start in range(0, max(count, 1), size)]


def shares_memory(executor: Executor | None) -> bool:
    """Do tasks run on this process's own objects? Others are sent something to pickle."""
    if executor is None:
        return True
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (slow to import)

    return type(executor) is ThreadPoolExecutor


def run(
    task: Callable[[int, int], Any],
    chunks: list[Chunk],
    executor: Executor | None,
    progress: bool,
    what: str,
) -> list[Any]:
    """The results of `task(start, stop)`, in order."""
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(
            f"pullback.{what}: executor must be a concurrent.futures.Executor, got "
            f"{type(executor).__name__}"
        )
    if executor is None:
        return list(_counted((task(*chunk) for chunk in chunks), len(chunks), progress, what))
    if shares_memory(executor):
        # A thread starts without this context's `no_grad`, and one context serves one task.
        futures = [executor.submit(contextvars.copy_context().run, task, *c) for c in chunks]
    else:
        futures = [executor.submit(task, *chunk) for chunk in chunks]
    try:
        results = (future.result() for future in futures)
        return list(_counted(results, len(chunks), progress, what))
    finally:
        for future in futures:  # those that wait, where one has failed
            future.cancel()


def _counted(results: Iterable[Any], total: int, progress: bool, what: str) -> Iterable[Any]:
    if not progress:
        return results
    try:
        from tqdm import tqdm  # noqa: PLC0415  (an extra, for those who want a bar)
    except ImportError as error:
        raise ImportError(
            f"pullback.{what}: progress=True draws its bar with tqdm, which is not installed: "
            "pip install 'pullback[progress]'"
        ) from error
    return tqdm(results, total=total, desc=what)
