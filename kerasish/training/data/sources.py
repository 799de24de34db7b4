"""Where batches come from: arrays, a `PyDataset`, or a stream such as a generator."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish import backend
from kerasish.autodiff import Tensor
from kerasish.backend import K
from kerasish.training.data.class_weight import class_weight_to_sample_weight
from kerasish.training.data.leaves import ArrayLeaf, DeviceLeaf, Leaf
from kerasish.training.data.pack import unpack_x_y_sample_weight
from kerasish.training.data.py_dataset import PyDataset, fetch_in_order
from kerasish.training.data.structures import as_tensors, builder, leaves_of, shapes


def warn_ran_out(steps: int, wanted: int | None) -> None:
    """The warning that an epoch ends before its time."""
    warnings.warn(
        "Your input ran out of data; interrupting the epoch. Make sure that your dataset or generator can give at "
        f"least `steps_per_epoch * epochs` batches. You may need `.repeat()` when building your dataset. "
        f"Expected {wanted or 'more'} batches in this epoch. Received: {steps}",
        stacklevel=4,
    )


def plan(epoch: int, available: int, wanted: int | None) -> tuple[int, int, int]:
    """Which pass over the data an epoch belongs to, the batch of the pass it begins with, and its number of batches.

    With fewer steps an epoch than batches, a pass is spread over several epochs.

    >>> [plan(epoch, available=10, wanted=4) for epoch in range(4)]
    [(0, 0, 4), (0, 4, 4), (0, 8, 2), (1, 0, 4)]
    """
    if wanted is None:
        return epoch, 0, available
    epochs = -(-available // wanted)
    offset = (epoch % epochs) * wanted
    return epoch // epochs, offset, min(wanted, available - offset)


def permutation(seed: int, turn: int, count: int) -> np.ndarray[Any, Any]:
    """The numbers below `count` in an order that depends on the seed and the turn alone."""
    return np.random.Generator(np.random.Philox(key=[seed, turn])).permutation(count)


class ArraySource:
    """Batches cut from arrays.

    Args:
        x: Nested leaves.
        y: Nested leaves, or None.
        sample_weight: Nested leaves, or None.
        count: The number of samples.
        batch_size: Samples of a batch; the last may have fewer.
        shuffle: Whether the samples are shuffled for each pass; "batch" shuffles the batches instead.
    """

    def __init__(self, x: Any, y: Any, sample_weight: Any, *, count: int, batch_size: int, shuffle: Any) -> None:
        data = (
            (x,) if y is None and sample_weight is None else (x, y) if sample_weight is None else (x, y, sample_weight)
        )
        self._text = f"x of shape {shapes(x)}" + ("" if y is None else f", y of shape {shapes(y)}")
        self._leaves: list[Leaf] = leaves_of(data)
        self._build = builder(data)
        self._count = count
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._order: tuple[Any, Any] = (None, None)
        self.num_batches = -(-count // batch_size)

    def peek(self) -> Any:
        """The first batch of the unshuffled data."""
        return self._build([Tensor(leaf.rows(0, self._batch_size)) for leaf in self._leaves])

    def _ordered(self, seed: int, turn: int) -> np.ndarray[Any, Any]:
        if self._order[0] != (seed, turn):
            size = self.num_batches if self._shuffle == "batch" else self._count
            self._order = ((seed, turn), permutation(seed, turn, size))
        return self._order[1]

    def _become_resident(self, stager: Any) -> bool:
        """Bring all data to the device, where it fits; whether it is there."""
        on_host = [leaf for leaf in self._leaves if isinstance(leaf, ArrayLeaf) and not leaf.mapped]
        if len(on_host) + sum(isinstance(leaf, DeviceLeaf) for leaf in self._leaves) < len(self._leaves):
            return False
        if on_host and not stager.fits(sum(leaf.nbytes for leaf in on_host)):
            return False
        self._leaves = [leaf.resident() if isinstance(leaf, ArrayLeaf) else leaf for leaf in self._leaves]
        return True

    def batches(self, epoch: int, first_step: int, wanted: int | None, seed: int) -> Iterator[tuple[int, Any]]:
        """The batches of an epoch, with their numbers."""
        turn, offset, steps = plan(epoch, self.num_batches, wanted)
        size, count, build = self._batch_size, self._count, self._build
        stager = backend.stager()
        resident = stager is not None and self._become_resident(stager)
        rows = [leaf.rows for leaf in self._leaves]
        if self._shuffle is True:
            order = self._ordered(seed, turn)
            if resident:
                order = K.asarray(order.astype(np.int32 if count < 2**31 else np.int64))
            pick = [leaf.pick for leaf in self._leaves]
            for step in range(first_step, steps):
                start = (offset + step) * size
                index = order[start : start + size]
                yield step, build([Tensor(function(index)) for function in pick])
        else:
            numbers = self._ordered(seed, turn) if self._shuffle == "batch" else range(self.num_batches)
            for step in range(first_step, steps):
                start = int(numbers[offset + step]) * size
                stop = min(start + size, count)
                yield step, build([Tensor(function(start, stop)) for function in rows])
        if wanted is not None and steps < wanted:
            warn_ran_out(steps, wanted)

    def describe(self) -> str:
        """The shapes."""
        return self._text

    def close(self) -> None:
        """Nothing has to be given back."""


def to_batch(data: Any, weigh: Callable[[Any], Any] | None, origin: str) -> tuple[Any, ...]:
    """What a generator or dataset gave, as a tuple of tensors."""
    try:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
    except ValueError as error:
        raise ValueError(f"{origin}: {error}") from error
    if weigh is not None:
        if y is None:
            raise ValueError(f"class_weight needs targets: expected {origin} to give (x, y). Received: x alone")
        if sample_weight is not None:
            raise ValueError(f"Give either class_weight or sample weights: {origin} gives sample weights already.")
        sample_weight = weigh(y)
    if x is None:
        raise ValueError(f"Expected {origin} to give x, (x, y) or (x, y, sample_weight). Received: x=None")
    x = as_tensors(x, "x")
    if y is None and sample_weight is None:
        return (x,)
    y = as_tensors(y, "y")
    return (x, y) if sample_weight is None else (x, y, as_tensors(sample_weight, "sample_weight"))


class _Converting:
    """What sources share whose batches are made by the user.

    Args:
        class_weight: A dict from classes to weights, or None.
        kind: What to call the source in errors.
    """

    def __init__(self, class_weight: Any, kind: str) -> None:
        self._weigh = None if class_weight is None else lambda y: class_weight_to_sample_weight(y, class_weight)
        self.kind = kind

    def _convert(self, data: Any) -> tuple[Any, ...]:
        return to_batch(data, self._weigh, f"the {self.kind}")


class DatasetSource(_Converting):
    """Batches that a `PyDataset` gives by number.

    Args:
        dataset: The dataset.
        class_weight: A dict from classes to weights, or None.
        shuffle: Whether the batches come in another order in each pass.
    """

    def __init__(self, dataset: PyDataset, class_weight: Any, shuffle: Any) -> None:
        super().__init__(class_weight, f"{type(dataset).__name__}")
        self._dataset = dataset
        self._shuffle = bool(shuffle)
        self.num_batches: int | None = dataset.num_batches
        if self.num_batches == 0:
            raise ValueError(f"Expected {self.kind} to have at least one batch. Received: a length of 0")

    def peek(self) -> Any:
        """The batch of number 0."""
        return self._convert(self._dataset[0])

    def batches(self, epoch: int, first_step: int, wanted: int | None, seed: int) -> Iterator[tuple[int, Any]]:
        """The batches of an epoch, with their numbers."""
        # The length may change between epochs.
        self.num_batches = self._dataset.num_batches
        if self.num_batches is None:
            assert wanted is not None
            turn, offset, steps = 0, epoch * wanted, wanted
        else:
            turn, offset, steps = plan(epoch, self.num_batches, wanted)
        numbers: Any = range(offset + first_step, offset + steps)
        if self._shuffle and self.num_batches is not None:
            numbers = permutation(seed, turn, self.num_batches)[offset + first_step : offset + steps].tolist()
        self._dataset.on_epoch_begin()
        fetched = fetch_in_order(self._dataset, numbers)
        try:
            for step, data in zip(range(first_step, steps), fetched, strict=False):
                yield step, self._convert(data)
        finally:
            fetched.close()  # type: ignore[attr-defined]
        self._dataset.on_epoch_end()
        if wanted is not None and steps < wanted:
            warn_ran_out(steps, wanted)

    def describe(self) -> str:
        """The class and the length."""
        return f"a {self.kind} of {self.num_batches} batches"

    def close(self) -> None:
        """Nothing has to be given back."""


class StreamSource(_Converting):
    """Batches that come one after the other: from a generator, or from something that can be iterated over again.

    Args:
        stream: The generator, iterator or iterable.
        class_weight: A dict from classes to weights, or None.

    Attributes:
        ended: Whether a generator has given its last batch.
        taken: How many batches the current iterator has given.
    """

    def __init__(self, stream: Any, class_weight: Any) -> None:
        super().__init__(class_weight, f"{type(stream).__name__}")
        self._stream = stream
        self._again = not hasattr(stream, "__next__")
        self._iterator: Iterator[Any] | None = None
        self._peeked: list[Any] = []
        self.ended = False
        self.taken = 0
        self._skip = 0
        try:
            self.num_batches: int | None = len(stream)
        except TypeError:
            self.num_batches = None

    def resume(self, taken: int) -> None:
        """Leave out the batches that a killed run had taken already."""
        self._skip = taken

    def _look_ahead(self) -> bool:
        """Hold the next batch; false where there is none."""
        if not self._peeked:
            if self._iterator is None:
                self._iterator = iter(self._stream)
            data = next(self._iterator, self)
            if data is self:
                self._end()
                return False
            self._peeked.append(data)
        return True

    def peek(self) -> Any:
        """The next batch, which still comes; None where there is none."""
        return self._convert(self._peeked[0]) if self._look_ahead() else None

    def exhausted(self) -> bool:
        """Whether it is a generator without another batch."""
        return not self._again and not self._look_ahead()

    def _next(self) -> Any:
        """The next batch as it is, or the source itself at the end."""
        assert self._iterator is not None
        data = self._peeked.pop() if self._peeked else next(self._iterator, self)
        if data is not self:
            self.taken += 1
        return data

    def batches(self, epoch: int, first_step: int, wanted: int | None, seed: int) -> Iterator[tuple[int, Any]]:
        """The batches of an epoch, with their numbers."""
        del epoch, seed
        fresh = self._again and wanted is None and not self._peeked
        if self._iterator is None or fresh:
            self._iterator = iter(self._stream)
            self.taken = 0
        skip = first_step if self._again and wanted is None else self._skip or first_step
        self._skip = 0
        for _ in range(skip):
            if self._next() is self:
                break
        for step in range(first_step, wanted) if wanted is not None else itertools.count(first_step):
            data = self._next()
            if data is self:
                self._end()
                if wanted is not None:
                    warn_ran_out(step, wanted)
                return
            yield step, self._convert(data)
        if self._again and wanted is not None and self.taken == self.num_batches:
            self._end()

    def _end(self) -> None:
        self._iterator = None if self._again else self._iterator
        self.ended = not self._again

    def describe(self) -> str:
        """The class, and how far it went."""
        if self.ended:
            return f"a {self.kind} that ended after {self.taken} batches"
        return f"a {self.kind} without a batch"

    def close(self) -> None:
        """Let go of the iterator of what can be iterated over again."""
        if self._again:
            self._iterator = None
            self._peeked.clear()


Source = ArraySource | DatasetSource | StreamSource
