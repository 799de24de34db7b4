"""The circle loss, of embeddings that are to lie close for one class and far for others."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.loss import BuiltInLoss


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """The circle loss of each embedding against all references. Source: Sun et al., 2020.

    `softplus(logsumexp over positives + logsumexp over negatives)` of weighted cosine distances; embeddings with a
    loss of 0 are masked.

    Args:
        y_true: Class numbers, `(n,)`.
        y_pred: Embeddings of length 1, `(n, d)`.
        ref_labels: The class numbers of the references; by default `y_true`.
        ref_embeddings: The references; by default `y_pred`.
        remove_diagonal: Whether an embedding is not compared with itself.
        gamma: A scale.
        margin: How strictly the distances are judged.

    >>> circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).shape
    (3,)
    """
    y_pred = convert_to_tensor(y_pred)
    labels = ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    references = y_pred if ref_embeddings is None else convert_to_tensor(ref_embeddings)
    ref_labels = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    distances = ops.maximum(1.0 - ops.matmul(y_pred, ops.transpose(references)), 0.0)
    negative = ops.not_equal(labels, ops.transpose(ref_labels))
    positive = ops.logical_not(negative)
    if remove_diagonal:
        itself = ops.eye(labels.shape[0], ref_labels.shape[0], dtype="bool")
        positive = ops.logical_and(positive, ops.logical_not(itself))
    pull = ops.maximum(distances + margin, 0.0) * (distances - margin) * gamma
    push = ops.maximum(1.0 + margin - distances, 0.0) * (1.0 - margin - distances) * gamma
    lowest = float("-inf")
    pulled = ops.logsumexp(ops.where(positive, pull, lowest), axis=1)
    pushed = ops.logsumexp(ops.where(negative, push, lowest), axis=1)
    losses = ops.softplus(pulled + pushed)
    losses._keras_mask = losses > 0
    return losses


class Circle(BuiltInLoss):
    """The circle loss within a batch of embeddings: see `circle`.

    Args:
        gamma: A scale.
        margin: How strictly the distances are judged.
        remove_diagonal: Whether an embedding is not compared with itself.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> loss = Circle()([0, 0, 1], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> bool(loss > 0)
    True
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
