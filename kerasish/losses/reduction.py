"""From the loss of each element to one number: ranks, weights, masks, and the reductions."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)
MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def standardize_reduction(reduction: str | None) -> str | None:
    """The reduction, if it is one of `REDUCTIONS`; else an error."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}. Received: reduction={reduction!r}")
    return reduction


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """The two tensors in one rank, where the only difference is a last axis of size 1.

    A vector gains the axis, anything of a higher rank loses it. Other ranks are left as they are.

    >>> from kerasish import ops
    >>> a, b = squeeze_or_expand_to_same_rank(ops.zeros((3,)), ops.zeros((3, 1)))
    >>> a.shape, b.shape
    ((3, 1), (3, 1))
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2:
        return x1, x2
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, axis=-1)
        return ops.squeeze(x1, axis=-1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, axis=-1), x2
        return x1, ops.squeeze(x2, axis=-1)
    return x1, x2


def _by_sample(weight: Tensor, like: Tensor) -> Tensor:
    """Weights of samples, with axes of size 1 behind, so that they spread over the elements of each sample."""
    rank, wanted = weight.array.ndim, like.array.ndim
    if not 0 < rank < wanted or weight.array.shape != like.array.shape[:rank]:
        return weight
    return ops.reshape(weight, (*weight.shape, *[1] * (wanted - rank)))


def paired(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Targets and predictions as tensors of the predictions' dtype and of one rank."""
    y_pred = convert_to_tensor(y_pred)
    y_true = convert_to_tensor(y_true, y_pred.dtype)
    if y_true.array.ndim == y_pred.array.ndim:
        return y_true, y_pred
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


def reduce_values(
    values: Tensor, sample_weight: Tensor | None = None, reduction: str | None = "sum_over_batch_size"
) -> Tensor:
    """The sum or the mean of values that are weighted already."""
    shape = values.array.shape
    if reduction is None or reduction == "none" or shape == () or shape == (0,):
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.cast(ops.sum(sample_weight), values.dtype))
    if values.array.size == 0:
        return ops.sum(values)
    return ops.mean(values)


def apply_mask(sample_weight: Any, mask: Any, dtype: str, reduction: str | None) -> Any:
    """The sample weights with the mask in them.

    For a mean, the valid elements weigh `total / valid`, so that masked ones count neither above nor below
    the fraction.
    """
    if mask is None:
        return sample_weight
    if reduction in ("mean", "sum_over_batch_size"):
        as_float = ops.cast(mask, dtype)
        weight = ops.divide_no_nan(float(mask.array.size), ops.sum(as_float))
        mask = ops.where(ops.cast(mask, "bool"), ops.cast(weight, dtype), 0.0)
    else:
        mask = ops.cast(mask, dtype)
    if sample_weight is None:
        return mask
    mask, sample_weight = squeeze_or_expand_to_same_rank(mask, ops.cast(sample_weight, dtype))
    return _by_sample(sample_weight, mask) * mask


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: str | None = None,
) -> Tensor:
    """One number (or, with the reduction None, an array) from the loss of each element.

    Args:
        values: The losses.
        sample_weight: The weight of each, of their shape or a leading part of it.
        mask: Which of them count.
        reduction: One of `REDUCTIONS`.
        dtype: The dtype in which it is computed.

    >>> float(reduce_weighted_values([1.0, 3.0], sample_weight=[1.0, 0.0]))
    0.5
    """
    reduction = standardize_reduction(reduction)
    values = convert_to_tensor(values, dtype)
    if mask is not None:
        mask = convert_to_tensor(mask)
    if sample_weight is not None:
        sample_weight = convert_to_tensor(sample_weight, dtype)
    sample_weight = apply_mask(sample_weight, mask, values.dtype, reduction)
    if sample_weight is not None:
        sample_weight = convert_to_tensor(sample_weight, values.dtype)
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        values = values * _by_sample(sample_weight, values)
    return reduce_values(values, sample_weight, reduction)
