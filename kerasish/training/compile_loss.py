"""`CompileLoss`: the losses that `compile` was given, as one function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import losses, tree
from kerasish.autodiff import Tensor
from kerasish.losses.loss import Loss
from kerasish.metrics import Mean
from kerasish.training.outputs import match_targets, match_weights, output_names, per_output


def as_loss(identifier: Any) -> Callable[..., Any] | None:
    """A loss from a loss, a name, a config, or a function `(y_true, y_pred) -> values`."""
    if identifier is None or isinstance(identifier, Loss):
        return identifier
    loss = losses.get(identifier)
    if isinstance(loss, Loss):
        return loss
    name = getattr(loss, "__name__", type(loss).__name__)
    return losses.LossFunctionWrapper(loss, name=name)


class CompileLoss:
    """The weighted sum of the losses of the outputs.

    Args:
        loss: A loss for all outputs, or a list or dict of them.
        loss_weights: Factors, likewise.
        output_names: The names of the model's outputs, where it knows them.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None) -> None:
        self._user_loss = loss
        self._user_weights = loss_weights
        self._names = output_names
        self._losses: list[Callable[..., Any] | None] | None = None
        self._weights: list[Any] = []
        self._trackers: list[Mean] = []
        for leaf in tree.flatten(loss):
            as_loss(leaf)
        if isinstance(loss_weights, (list, tuple)) and isinstance(loss, (list, tuple)) and len(loss) != len(loss_weights):
            raise ValueError(
                "`loss_weights` must have one entry for each loss: "
                f"expected {len(loss)}. Received: loss_weights={loss_weights!r}"
            )

    @property
    def metrics(self) -> list[Mean]:
        """For several outputs, the mean of each loss."""
        return self._trackers

    def _build(self, y_pred: Any) -> None:
        names = output_names(y_pred, self._names)
        chosen = per_output(self._user_loss, y_pred, names, "loss")
        self._weights = per_output(self._user_weights, y_pred, names, "loss_weights")
        self._losses = [as_loss(identifier) for identifier in chosen]
        self._names = names
        if len(names) > 1:
            self._trackers = [
                Mean(name=f"{name}_loss") for name, loss in zip(names, self._losses, strict=True) if loss is not None
            ]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The total loss of a batch."""
        if self._losses is None:
            self._build(y_pred)
        assert self._losses is not None
        assert self._names is not None
        if len(self._losses) == 1 and self._weights[0] is None and isinstance(y_pred, Tensor) and isinstance(y_true, Tensor):
            loss = self._losses[0]
            assert loss is not None
            return loss(y_true, y_pred, sample_weight)
        predictions = tree.flatten(y_pred)
        targets = match_targets(y_true, y_pred, self._names)
        weights = match_weights(sample_weight, self._names, y_pred)
        trackers = iter(self._trackers)
        total: Any = None
        for position, loss in enumerate(self._losses):
            if loss is None:
                continue
            if targets[position] is None:
                raise ValueError(f"The output {self._names[position]!r} has a loss, but no target. Received: None")
            value = loss(targets[position], predictions[position], weights[position])
            if self._trackers:
                size = predictions[position].shape[0] if predictions[position].ndim else 1
                next(trackers).update_state(value, sample_weight=size)
            if self._weights[position] is not None:
                value = value * self._weights[position]
            total = value if total is None else total + value
        if total is None:
            raise ValueError(f"No output of the model has a loss. Received: loss={self._user_loss!r}")
        return total
