"""`EpochIterator`: the batches of each epoch, from whatever `fit`, `evaluate` and `predict` are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasish import backend, config, tree
from kerasish.backend import K
from kerasish.training.data.checks import (
    check_cardinality,
    check_positive,
    check_sample_weight,
    check_shuffle,
    check_targets,
)
from kerasish.training.data.class_weight import check_class_weight, class_weight_to_sample_weight
from kerasish.training.data.leaves import LEAVES, ArrayLeaf
from kerasish.training.data.py_dataset import PyDataset
from kerasish.training.data.sources import ArraySource, DatasetSource, Source, StreamSource, warn_ran_out
from kerasish.training.data.structures import as_leaves, leaves_of

DEFAULT_BATCH_SIZE = 32
_BUILT_IN_LOSSES = "kerasish.losses."


class EpochIterator:
    """The batches of each epoch.

    Args:
        x: An array (NumPy, tensor, pandas, h5py, SciPy sparse), a list of numbers, or a list, tuple or dict of these;
            or a generator, a `PyDataset` or another iterable of batches x, (x, y) or (x, y, sample_weight).
        y: Targets, for arrays.
        sample_weight: Weights of the samples, for arrays.
        batch_size: Samples of a batch, for arrays (32).
        steps_per_epoch: Batches of an epoch, instead of all.
        shuffle: Whether samples come in another order in each epoch; "batch" shuffles whole batches, which suits files.
        class_weight: Weights of the classes, in place of `sample_weight`.
        owner: The model.

    Attributes:
        shuffle_seed: What the order depends on, with the number of the epoch. Set it to repeat an order.

    Raises:
        ValueError: If the data cannot be trained on; before anything has started.

    >>> import numpy as np
    >>> iterator = EpochIterator(np.arange(5), None, None, batch_size=2, steps_per_epoch=None, shuffle=False)
    >>> [(step, x.tolist()) for step, (x,) in iterator.epoch(0)]
    [(0, [0, 1]), (1, [2, 3]), (2, [4])]
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        steps_per_epoch: int | None = None,
        shuffle: Any = False,
        class_weight: Any = None,
        owner: Any = None,
    ) -> None:
        check_shuffle(shuffle)
        self._owner = owner
        batch_size = DEFAULT_BATCH_SIZE if batch_size is None else check_positive("batch_size", batch_size)
        if steps_per_epoch is not None and steps_per_epoch != -1:
            self.steps_per_epoch: int | None = check_positive("steps_per_epoch", steps_per_epoch)
        else:
            self.steps_per_epoch = None
        if class_weight is not None:
            class_weight = check_class_weight(class_weight)
        self._source = _source(x, y, sample_weight, batch_size, shuffle, class_weight, owner)
        available = self._source.num_batches
        if available is None and self.steps_per_epoch is None and isinstance(self._source, DatasetSource):
            raise ValueError(
                f"{self._source.kind} has no end (num_batches is None): expected steps_per_epoch (or the steps of the "
                "validation). Received: steps_per_epoch=None"
            )
        bound = config.max_steps_per_epoch()
        if bound is not None and (self.num_batches is None or bound < self.num_batches):
            self.steps_per_epoch = bound
        self.shuffle_seed = _draw_seed() if shuffle else 0

    @property
    def num_batches(self) -> int | None:
        """The number of batches of an epoch, or None where it is not known."""
        return self.steps_per_epoch or self._source.num_batches

    def exhausted(self) -> bool:
        """Whether the data is a generator that has no batch left; if so, with a warning."""
        if not isinstance(self._source, StreamSource) or not self._source.exhausted():
            return False
        warn_ran_out(0, self.steps_per_epoch)
        return True

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[tuple[int, Any]]:
        """Pairs of the number of a step and its batch: a tuple (x,), (x, y) or (x, y, sample_weight) of tensors.

        Args:
            epoch: The number of the epoch; the same epoch has the same order.
            first_step: The step to begin with.
        """
        batches = self._source.batches(epoch, first_step, self.steps_per_epoch, self.shuffle_seed)
        stager = backend.stager()
        return batches if stager is None else stager.staged(batches, getattr(self._owner, "steps_per_execution", 1))

    def peek(self) -> Any:
        """The first batch, which still comes; None where there is none."""
        return self._source.peek()

    def describe(self) -> str:
        """What the data is, for messages."""
        return self._source.describe()

    def get_state(self) -> dict[str, int]:
        """What a killed run needs to go on with the same batches."""
        return {"shuffle_seed": self.shuffle_seed, "taken": getattr(self._source, "taken", 0)}

    def set_state(self, state: dict[str, int]) -> None:
        """Go on as the iterator that gave this state would; a generator's batches are left out at the next epoch."""
        self.shuffle_seed = int(state["shuffle_seed"])
        if isinstance(self._source, StreamSource):
            self._source.resume(int(state["taken"]))

    def close(self) -> None:
        """End threads and let go of iterators."""
        self._source.close()


def _draw_seed() -> int:
    from kerasish.ops.seeds import make_default_seed

    return make_default_seed()


def _is_stream(x: Any) -> bool:
    if isinstance(x, (list, tuple, dict, str, bytes, *LEAVES)) or hasattr(x, "__array__") or hasattr(x, "__dlpack__"):
        return False
    return hasattr(x, "__iter__") and not hasattr(x, "shape")


def _source(x: Any, y: Any, sample_weight: Any, batch_size: int, shuffle: Any, class_weight: Any, owner: Any) -> Source:
    if isinstance(x, PyDataset) or _is_stream(x):
        kind = type(x).__name__
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"When x is a {kind}, it gives the {name} itself, as (x, y) or (x, y, sample_weight): expected "
                    f"{name}=None. Received: {name} of type {type(value).__name__}"
                )
        if isinstance(x, PyDataset):
            return DatasetSource(x, class_weight, shuffle)
        return StreamSource(x, class_weight)
    if x is None:
        raise ValueError("Expected x to be data: arrays, a generator or a PyDataset. Received: x=None")
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if isinstance(value, PyDataset) or _is_stream(value):
            raise ValueError(
                f"Expected {name} to be an array like x; a generator or dataset goes into x and gives both. "
                f"Received: {name} of type {type(value).__name__}"
            )
    if class_weight is not None and sample_weight is not None:
        raise ValueError("Give either class_weight or sample_weight. Received: both")
    x_leaves, y_leaves = as_leaves(x, "x"), as_leaves(y, "y")
    weights = as_leaves(sample_weight, "sample_weight")
    count = check_cardinality(x_leaves, y_leaves, weights)
    check_sample_weight(y_leaves, weights)
    if y is not None and not _tolerates_nan(owner):
        check_targets(y_leaves)
    if class_weight is not None:
        weights = ArrayLeaf(class_weight_to_sample_weight(_labels(y_leaves), class_weight))
    return ArraySource(x_leaves, y_leaves, weights, count=count, batch_size=batch_size, shuffle=shuffle)


def _labels(y: Any) -> Any:
    found = leaves_of(y)
    if len(found) != 1:
        return None if not found else tuple([leaf.rows(0, 1) for leaf in found])
    leaf = found[0]
    return leaf.values if isinstance(leaf, ArrayLeaf) else K.to_numpy(leaf.rows(0, leaf.shape[0]))


def _tolerates_nan(owner: Any) -> bool:
    """Whether the model has a loss or a step that the user wrote, which may leave missing targets out."""
    if owner is None:
        return False
    overrides = getattr(owner, "_overrides", None)
    if overrides is not None and overrides("train_step", "compute_loss", "test_step"):
        return True
    return any(not _built_in(loss) for loss in tree.flatten(getattr(owner, "loss", None)))


def _built_in(loss: Any) -> bool:
    if loss is None or isinstance(loss, (str, dict)):
        return True
    origin = loss if callable(loss) and hasattr(loss, "__qualname__") else type(loss)
    if getattr(origin, "__module__", "").startswith(_BUILT_IN_LOSSES):
        wrapped = getattr(loss, "fn", None)
        return wrapped is None or getattr(wrapped, "__module__", "").startswith(_BUILT_IN_LOSSES)
    return False
