"""Connectionist temporal classification: the loss of a sequence of labels without an alignment."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.loss import BuiltInLoss


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """The negative log-likelihood of label sequences. Source: Graves et al., 2006.

    Args:
        y_true: Label numbers, `(n, length)`, 0 for padding (and for the blank).
        y_pred: Logits, `(n, steps, C)`.

    Returns:
        A tensor `(n,)`.

    Raises:
        ValueError: If the ranks are others.
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            "ctc: expected labels y_true of shape (n, length) and logits y_pred of shape (n, steps, classes). "
            f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
        )
    steps = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    lengths = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    return ops.ctc_loss(ops.cast(y_true, "int32"), y_pred, lengths, steps, mask_index=0)


class CTC(BuiltInLoss):
    """The negative log-likelihood of label sequences: see `ctc`.

    Args:
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
