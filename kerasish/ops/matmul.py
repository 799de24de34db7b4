"""Matrix products and Einstein's sum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.autodiff.state import state
from kerasish.ops.gradients import unbroadcast
from kerasish.ops.promotion import promoted

TRANSPOSE_A = {"transpose_a": True}
TRANSPOSE_B = {"transpose_b": True}


def paired(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Both as tensors of their common dtype."""
    a = x1 if isinstance(x1, Tensor) else convert_to_tensor(x1)
    b = x2 if isinstance(x2, Tensor) else convert_to_tensor(x2)
    if a.array.dtype != b.array.dtype or state.autocast is not None:
        a, b = promoted(a, b)
    return a, b


def _contract_leading_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, y = node.inputs
    return (
        apply(MATMUL, (y, dy), TRANSPOSE_B) if node.needs[0] else None,
        apply(MATMUL, (x, dy)) if node.needs[1] else None,
    )


CONTRACT_LEADING = Primitive(
    "contract_leading", _contract_leading_vjp, lambda x, y: ((x.shape[-1], y.shape[-1]), x.dtype)
)
"""The sum over all leading dimensions of outer products: `(..., d), (..., u) -> (d, u)`."""


def _matmul_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    a, b = node.inputs
    ta = node.attrs.get("transpose_a", False)
    tb = node.attrs.get("transpose_b", False)
    d_a = d_b = None
    if node.needs[0]:
        if ta:
            d_a = apply(MATMUL, (b, dy), {"transpose_a": tb, "transpose_b": True})
        else:
            d_a = apply(MATMUL, (dy, b), {"transpose_b": not tb})
        if d_a.array.shape != a.array.shape:
            d_a = unbroadcast(d_a, a.array.shape)
    if node.needs[1]:
        if b.array.ndim == 2 and not ta:
            d_b = apply(CONTRACT_LEADING, (dy, a) if tb else (a, dy))
        elif tb:
            d_b = apply(MATMUL, (dy, a), {"transpose_a": True, "transpose_b": ta})
        else:
            d_b = apply(MATMUL, (a, dy), {"transpose_a": not ta})
        if d_b.array.shape != b.array.shape:
            d_b = unbroadcast(d_b, b.array.shape)
    return d_a, d_b


def _matmul_infer(a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> tuple[Any, Any]:
    lead = a.shape[:-2] if b.ndim == 2 else np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return (*lead, a.shape[-1 if transpose_a else -2], b.shape[-2 if transpose_b else -1]), a.dtype


MATMUL = Primitive("matmul", _matmul_vjp, _matmul_infer)
"""The product of matrices; attributes `transpose_a` and `transpose_b`."""


@op
def matmul(x1: Any, x2: Any) -> Tensor:
    """The product of matrices, `y[..., i, j] = sum_k x1[..., i, k] * x2[..., k, j]`.

    Leading dimensions broadcast. A one-dimensional `x1` counts as a row and a one-dimensional `x2` as a
    column, and their dimension is dropped from the result. The product of two int8 tensors is int32.

    Raises:
        ValueError: If the inner sizes differ, or an operand has no dimension.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).tolist()
    [[11.0]]
    """
    a, b = paired(x1, x2)
    rank_a, rank_b = a.array.ndim, b.array.ndim
    if rank_a < 2 or rank_b < 2:
        return _matmul_vectors(a, b)
    if a.array.shape[-1] != b.array.shape[-2]:
        raise _sizes_differ("matmul", a, b)
    if a.array.dtype == np.int8:
        a, b = convert_to_tensor(a, "int32"), convert_to_tensor(b, "int32")
    return apply(MATMUL, (a, b))


def _sizes_differ(name: str, a: Tensor, b: Tensor) -> ValueError:
    return ValueError(
        f"{name}: the sizes of the dimensions that are multiplied together differ. "
        f"Received: x1.shape={a.shape}, x2.shape={b.shape}"
    )


def _matmul_vectors(a: Tensor, b: Tensor) -> Tensor:
    if not a.ndim or not b.ndim:
        raise ValueError(
            f"matmul: expected operands with at least one dimension. Received: x1.shape={a.shape}, x2.shape={b.shape}"
        )
    if a.shape[-1] != b.shape[0 if b.ndim == 1 else -2]:
        raise _sizes_differ("matmul", a, b)
    y = matmul(a.reshape(1, *a.shape) if a.ndim == 1 else a, b.reshape(*b.shape, 1) if b.ndim == 1 else b)
    shape = y.shape
    if a.ndim == 1:
        shape = shape[:-2] + shape[-1:]
    if b.ndim == 1:
        shape = shape[:-1]
    return y.reshape(shape)


def _einsum_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    inputs, output = node.attrs["subscripts"].split("->")
    labels = inputs.split(",")
    if len(labels) == 1:
        return (apply(EINSUM, (dy,), {"subscripts": f"{output}->{inputs}"}),)
    a, b = node.inputs
    return (
        apply(EINSUM, (dy, b), {"subscripts": f"{output},{labels[1]}->{labels[0]}"}) if node.needs[0] else None,
        apply(EINSUM, (a, dy), {"subscripts": f"{labels[0]},{output}->{labels[1]}"}) if node.needs[1] else None,
    )


def _einsum_infer(*operands: Any, subscripts: str) -> tuple[Any, Any]:
    inputs, output = subscripts.split("->")
    sizes: dict[str, int] = {}
    for labels, x in zip(inputs.split(","), operands, strict=True):
        sizes.update(zip(labels, x.shape, strict=True))
    return tuple([sizes[label] for label in output]), operands[0].dtype


EINSUM = Primitive("einsum", _einsum_vjp, _einsum_infer)
"""Einstein's sum over one or two operands; attribute `subscripts`, as the kernel wants them."""


@lru_cache(maxsize=1024)
def _parse(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[list[str], str]:
    """The labels of each operand and of the output, without an ellipsis."""
    text = subscripts.replace(" ", "")
    given, arrow, output = text.partition("->")
    terms = given.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"einsum: expected {len(terms)} operands. Received: {len(shapes)}, subscripts={subscripts!r}")
    used = set(text)
    spare = [letter for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if letter not in used]
    ranks = [len(s) - len(term.replace("...", "")) for term, s in zip(terms, shapes, strict=True) if "..." in term]
    wide = "".join(spare[: max(ranks, default=0)])
    labels = []
    for term, shape in zip(terms, shapes, strict=True):
        rank = len(shape) - len(term.replace("...", ""))
        if rank < 0 or (rank and "..." not in term):
            raise ValueError(
                f"einsum: the operand {term!r} does not have as many dimensions as labels. "
                f"Received: shape={shape}, subscripts={subscripts!r}"
            )
        labels.append(term.replace("...", wide[len(wide) - rank :]))
    if arrow:
        output = output.replace("...", wide)
    else:
        named = [label for term in terms for label in term.replace("...", "")]
        output = wide + "".join(sorted(label for label in set(named) if named.count(label) == 1))
    sizes: dict[str, int] = {}
    for term, shape in zip(labels, shapes, strict=True):
        for label, size in zip(term, shape, strict=True):
            known = sizes.setdefault(label, size)
            if size != known and 1 not in (size, known):
                raise ValueError(
                    f"einsum: the label {label!r} has two sizes, {known} and {size}. "
                    f"Received: shapes={list(shapes)}, subscripts={subscripts!r}"
                )
            sizes[label] = max(size, known) if size and known else 0
    if len(set(output)) != len(output) or not set(output) <= set(sizes):
        raise ValueError(
            "einsum: each label of the output must occur in it once and in an operand. "
            f"Received: subscripts={subscripts!r}"
        )
    return labels, output


@lru_cache(maxsize=1024)
def _clean(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> str | None:
    """The subscripts for the kernel, if it can take the operands just as they are."""
    labels, output = _parse(subscripts, shapes)
    if len(labels) > 2:
        return None
    seen: dict[str, int] = {}
    for position, (term, shape) in enumerate(zip(labels, shapes, strict=True)):
        elsewhere = output + "".join(labels[:position] + labels[position + 1 :])
        for label, size in zip(term, shape, strict=True):
            if term.count(label) > 1 or label not in elsewhere or seen.setdefault(label, size) != size:
                return None
    return ",".join(labels) + "->" + output


@op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Einstein's sum: products of the operands, summed over the labels that the output does not have.

    Args:
        subscripts: One term for each operand and one for the output, as in "bij,bjk->bik"; "..." stands
            for dimensions that broadcast. Without an output, it has the labels that occur once.
        *operands: The tensors.
        **kwargs: `optimize` is accepted: the order of three operands or more is always chosen by cost.

    Raises:
        ValueError: If the subscripts do not fit the operands.

    >>> einsum("ij,kj->ik", [[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]).tolist()
    [[11.0, 17.0]]
    """
    unknown = set(kwargs) - {"optimize"}
    if unknown:
        raise TypeError(f"einsum takes no other keyword than `optimize`. Received: {sorted(unknown)}")
    if len(operands) == 2:
        tensors = list(paired(*operands))
    else:
        tensors = promoted(*operands)
    shapes = tuple([x.array.shape for x in tensors])
    clean = _clean(subscripts, shapes)
    if clean is not None:
        return apply(EINSUM, tuple(tensors), {"subscripts": clean})
    terms, output = _parse(subscripts, shapes)
    pairs = list(zip(terms, tensors, strict=True))
    for left, right in _path(terms, output, shapes):
        (term_a, a), (term_b, b) = pairs.pop(right), pairs.pop(left)
        kept = output + "".join([term for term, _ in pairs])
        between = "".join(dict.fromkeys(label for label in term_b + term_a if label in kept))
        pairs.append((between, _einsum_pair([(term_b, b), (term_a, a)], between)))
    term, x = pairs[0]
    return x if term == output else _einsum_pair(pairs, output)


def _path(terms: Sequence[str], output: str, shapes: Sequence[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Which two operands to multiply next, by the cost that NumPy's greedy search finds."""
    if len(terms) < 3:
        return [(0, 1)] if len(terms) == 2 else []
    dummies = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
    steps: Any = np.einsum_path(",".join(terms) + "->" + output, *dummies, optimize="greedy")[0][1:]
    pairs: list[tuple[int, int]] = []
    for step in steps:
        many = sorted(step)
        # NumPy may take several operands in one step; the result of each product goes to the end.
        last = len(terms) - len(pairs)
        while len(many) > 1:
            left, right = many[:2]
            pairs.append((left, right))
            last -= 1
            many = [m - (m > left) - (m > right) for m in many[2:]] + [last - 1]
    return pairs


def _einsum_pair(pairs: Sequence[tuple[str, Tensor]], output: str) -> Tensor:
    """One step, after the operands have been brought to what the kernel takes."""
    from kerasish.ops.products import diagonal
    from kerasish.ops.reduction import sum as reduce_sum

    sizes: dict[str, int] = {}
    for term, x in pairs:
        for label, size in zip(term, x.shape, strict=True):
            sizes[label] = size if sizes.get(label, 1) == 1 else sizes[label]
    terms, tensors = [], []
    for position, (term, x) in enumerate(pairs):
        for label in sorted(set(term), key=term.index):
            while term.count(label) > 1:
                first = term.index(label)
                second = term.index(label, first + 1)
                x = diagonal(x, axis1=first, axis2=second)
                term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
        others = "".join([t for p, (t, _) in enumerate(pairs) if p != position])
        kept = [n for n, label in enumerate(term) if x.shape[n] == sizes[label] or label not in others]
        if len(kept) < len(term):
            x = x.reshape([x.shape[n] for n in kept])
            term = "".join([term[n] for n in kept])
        lone = [n for n, label in enumerate(term) if label not in others and label not in output]
        if lone:
            x = reduce_sum(x, axis=tuple(lone))
            term = "".join([label for n, label in enumerate(term) if n not in lone])
        terms.append(term)
        tensors.append(x)
    return apply(EINSUM, tuple(tensors), {"subscripts": ",".join(terms) + "->" + output})
