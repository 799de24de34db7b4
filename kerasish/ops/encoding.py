"""Classes as codes: one-hot and multi-hot."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Primitive, Tensor, apply, op
from kerasish.backend.dtypes import numpy_dtype
from kerasish.ops.indexing import position_of_axis, to_indices

ONE_HOT = Primitive(
    "one_hot",
    infer=lambda indices, *, depth, dtype: ((*indices.shape, depth), dtype),
)


def refuse_sparse(name: str, sparse: bool) -> None:
    """Refuse `sparse=True` by the name of the function."""
    if sparse:
        raise ValueError(f"{name}: sparse tensors are not supported. Received: sparse={sparse!r}")


@op
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """One-hot codes: one at the index of the class, zeros elsewhere.

    Args:
        x: Integer classes of any shape; a class outside [0, num_classes) gives zeros only.
        num_classes: The number of classes.
        axis: Where the new dimension goes.
        dtype: The dtype, by default the default float.
        sparse: Kept for Keras's signature; sparse tensors are refused.

    >>> one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    refuse_sparse("one_hot", sparse)
    indices = to_indices(x, "one_hot")
    y = apply(ONE_HOT, (indices,), {"depth": int(num_classes), "dtype": numpy_dtype(dtype)})
    if axis in (-1, y.ndim - 1):
        return y
    from kerasish.ops.shape import moveaxis

    return moveaxis(y, -1, position_of_axis(axis, y, "one_hot"))


@op
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Multi-hot codes: ones at the indices of all classes along the last dimension of the input.

    Args:
        inputs: Integer classes `(..., n)`.
        num_classes: The number of classes.
        axis: Where the classes go in the result.
        dtype: The dtype, by default the default float.
        sparse: Kept for Keras's signature; sparse tensors are refused.
        **kwargs: `num_tokens`, the older spelling of `num_classes`.

    >>> multi_hot([0, 2], 4).tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    from kerasish.ops.reduction import max as reduce_max

    if num_classes is None:
        num_classes = kwargs.pop("num_tokens", None)
    if kwargs or num_classes is None:
        raise ValueError(f"multi_hot needs num_classes and no other keyword. Received: {num_classes=}, {kwargs}")
    indices = to_indices(inputs, "multi_hot")
    codes = one_hot(indices, num_classes, axis=axis, dtype=dtype, sparse=sparse)
    return reduce_max(codes, axis=1 if indices.ndim > 1 else 0)
