"""`PyDataset`: data that gives its batches by number."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any


class PyDataset:
    """Data that gives its batches by number; write `__getitem__` and `__len__`.

    Args:
        workers: How many threads prepare batches ahead of the training (1: none, the training waits for each).
        use_multiprocessing: Accepted for Keras's signature; workers are threads, so that nothing has to be pickled.
        max_queue_size: How many batches may be prepared ahead.

    `num_batches` may be overridden instead of `__len__`; None means that there is no end, which needs
    `steps_per_epoch`. `on_epoch_begin` and `on_epoch_end` are called around each epoch.

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return [[index]], [[index**2]]
    >>> Squares().num_batches
    2
    """

    _workers = 1
    _use_multiprocessing = False
    _max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    @property
    def workers(self) -> int:
        """How many threads prepare batches."""
        return self._workers

    @workers.setter
    def workers(self, value: int) -> None:
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"Expected workers to be an int of at least 0. Received: workers={value!r}")
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        """Whether batches are prepared ahead even by a single worker."""
        return self._use_multiprocessing

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = bool(value)

    @property
    def max_queue_size(self) -> int:
        """How many batches may be prepared ahead."""
        return self._max_queue_size

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"Expected max_queue_size to be a positive int. Received: max_queue_size={value!r}")
        self._max_queue_size = value

    def __getitem__(self, index: int) -> Any:
        """The batch of this number: x, (x, y) or (x, y, sample_weight)."""
        raise NotImplementedError(f"{type(self).__name__} must write `__getitem__(self, index)`.")

    @property
    def num_batches(self) -> int | None:
        """The number of batches, or None where there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must write `__len__(self)`, or the property `num_batches`.")

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


Sequence = PyDataset


def fetch_in_order(dataset: PyDataset, numbers: Iterable[int]) -> Iterator[Any]:
    """The batches of these numbers in order, prepared ahead by threads where the dataset wants that.

    An error in a thread is raised where its batch would have come.
    """
    if dataset.workers < 1 or (dataset.workers == 1 and not dataset.use_multiprocessing):
        for number in numbers:
            yield dataset[number]
        return
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(dataset.workers, thread_name_prefix="kerasish-data")
    waiting: deque[Any] = deque()
    remaining = iter(numbers)
    try:
        for number in itertools.islice(remaining, dataset.max_queue_size):
            waiting.append(executor.submit(dataset.__getitem__, number))
        while waiting:
            batch = waiting.popleft().result()
            for number in itertools.islice(remaining, 1):
                waiting.append(executor.submit(dataset.__getitem__, number))
            yield batch
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
