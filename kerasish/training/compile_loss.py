"""`CompileLoss`: the losses that `compile` was given, as one function."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from kerasish import losses, tree
from kerasish.autodiff import Tensor
from kerasish.losses.loss import Loss
from kerasish.training.outputs import by_shape, flatten_outputs, match_targets, match_weights, output_names, per_output
from kerasish.training.running_mean import RunningMean

_BY_SHAPE = ("crossentropy", "ce")


def as_loss(identifier: Any, y_true: Any = None, y_pred: Any = None) -> Callable[..., Any] | None:
    """A loss from a loss, a name, a config, or a function `(y_true, y_pred) -> values`.

    "crossentropy" is the cross-entropy that fits the shapes.
    """
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        loss = by_shape(
            y_true,
            y_pred,
            lambda: losses.binary_crossentropy,
            lambda: losses.sparse_categorical_crossentropy,
            lambda: losses.categorical_crossentropy,
        )
    else:
        loss = losses.get(identifier)
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, FunctionType) and loss in losses.CLASS_OF:
        return losses.CLASS_OF[loss]()
    name = identifier if isinstance(identifier, str) else getattr(loss, "__name__", type(loss).__name__)
    return losses.LossFunctionWrapper(loss, name=name)


class CompileLoss:
    """The weighted sum of the losses of the outputs.

    Args:
        loss: A loss for all outputs, or a list or dict of them.
        loss_weights: Factors, likewise.
        output_names: The names of the model's outputs, where it knows them.

    Raises:
        ValueError: If a loss is unknown, or if there are not as many as outputs.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None) -> None:
        self._user_loss = loss
        self._user_weights = loss_weights
        self._names = output_names
        self._losses: list[Callable[..., Any] | None] | None = None
        self._weights: list[Any] = []
        self._trackers: list[RunningMean] = []
        self._by_key = False
        for leaf in tree.flatten(loss):
            if not (isinstance(leaf, str) and leaf.lower() in _BY_SHAPE):
                as_loss(leaf)
        for weight in tree.flatten(loss_weights):
            if weight is not None and not hasattr(weight, "__float__"):
                raise ValueError(f"Expected `loss_weights` to hold numbers. Received: loss_weights={loss_weights!r}")
        structured = isinstance(loss, (list, tuple)) and isinstance(loss_weights, (list, tuple))
        if structured and len(loss) != len(loss_weights):
            raise ValueError(
                "`loss_weights` must have one entry for each loss: "
                f"expected {len(loss)}. Received: loss_weights={loss_weights!r}"
            )
        if output_names is not None:
            per_output(loss, output_names, "loss")
            per_output(loss_weights, output_names, "loss_weights")

    @property
    def metrics(self) -> list[RunningMean]:
        """For several outputs with a loss, the mean of each loss: in the order of the user's dict, if it is one."""
        if not self._by_key:
            return self._trackers
        order = {f"{key}_loss": position for position, key in enumerate(self._user_loss)}
        return sorted(self._trackers, key=lambda tracker: order[tracker.name])

    def _build(self, y_true: Any, y_pred: Any) -> None:
        names = output_names(y_pred, self._names)
        chosen = per_output(self._user_loss, names, "loss")
        weights = per_output(self._user_weights, names, "loss_weights")
        wanted = [identifier is not None for identifier in chosen]
        targets = match_targets(y_true, y_pred, names, wanted=wanted)
        predictions = flatten_outputs(y_pred)
        for target, name, one in zip(targets, names, wanted, strict=True):
            if one and target is None:
                raise ValueError(f"The output {name!r} has a loss, but no target came for it. Received: y=None")
        found = [as_loss(identifier, t, p) for identifier, t, p in zip(chosen, targets, predictions, strict=True)]
        if not any(wanted):
            raise ValueError(f"No output of the model has a loss. Received: loss={self._user_loss!r}")
        self._weights, self._names, self._losses, self._wanted = weights, names, found, wanted
        self._by_key = isinstance(self._user_loss, dict) and isinstance(y_pred, dict)
        if sum(wanted) > 1:
            self._trackers = [RunningMean(name=f"{name}_loss") for name, one in zip(names, wanted, strict=True) if one]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The total loss of a batch."""
        if self._losses is None:
            self._build(y_true, y_pred)
        assert self._losses is not None
        assert self._names is not None
        if len(self._losses) == 1 and isinstance(y_pred, Tensor) and isinstance(y_true, Tensor):
            loss = self._losses[0]
            assert loss is not None
            if sample_weight is not None and not isinstance(sample_weight, Tensor):
                (sample_weight,) = match_weights(sample_weight, y_pred, self._names)
            total = loss(y_true, y_pred, sample_weight)
            return total if self._weights[0] is None else total * self._weights[0]
        return self._sum(y_true, y_pred, sample_weight)

    def _sum(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Tensor:
        assert self._losses is not None
        assert self._names is not None
        predictions = flatten_outputs(y_pred)
        targets = match_targets(y_true, y_pred, self._names, wanted=self._wanted)
        weights = match_weights(sample_weight, y_pred, self._names, wanted=self._wanted)
        trackers = iter(self._trackers)
        total: Any = None
        for position, loss in enumerate(self._losses):
            if loss is None:
                continue
            if targets[position] is None:
                raise ValueError(
                    f"The output {self._names[position]!r} has a loss, but no target came for it. Received: y=None"
                )
            value = loss(targets[position], predictions[position], weights[position])
            if self._trackers:
                next(trackers).add(value, predictions[position].shape[0] if predictions[position].ndim else 1)
            if self._weights[position] is not None:
                value = value * self._weights[position]
            total = value if total is None else total + value
        return total
