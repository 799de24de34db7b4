"""How (batched) products of strided arrays become one strided-batched product: shapes and strides only.

Strides count elements. An operand whose layout the library cannot take is named in the answer, to be copied.
"""

from __future__ import annotations

from typing import NamedTuple

Sizes = tuple[int, ...]


class Operand(NamedTuple):
    """A row-major matrix, `leading` elements from row to row; a transposed one from column to column."""

    transposed: bool
    leading: int
    batch_stride: int


class Layout(NamedTuple):
    """`batch` products of (m, k) and (k, n), or what keeps them from being taken as they are.

    `copies` says which of a, b and out have to be copied to memory of their own first. `scattered` says that the
    leading axes are no single axis for all three.
    """

    batch: int
    m: int
    n: int
    k: int
    a: Operand | None
    b: Operand | None
    out: Operand | None
    copies: tuple[bool, bool, bool] = (False, False, False)
    scattered: bool = False


def broadcast_lead(a: Sizes, b: Sizes) -> Sizes:
    """The leading axes of the product. Raises ValueError where they or the inner sizes do not fit."""
    lead_a, lead_b = a[:-2], b[:-2]
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ValueError(
            f"Matrices of shapes (..., m, k) and (..., k, n) were expected. Received: a.shape={a}, b.shape={b}"
        )
    if lead_a == lead_b or not lead_b:
        return lead_a
    if not lead_a:
        return lead_b
    rank = max(len(lead_a), len(lead_b))
    lead_a, lead_b = (1,) * (rank - len(lead_a)) + lead_a, (1,) * (rank - len(lead_b)) + lead_b
    lead = []
    for size_a, size_b in zip(lead_a, lead_b):
        if size_a != size_b and 1 not in (size_a, size_b):
            raise ValueError(f"The leading axes do not broadcast. Received: a.shape={a}, b.shape={b}")
        lead.append(size_b if size_a == 1 else size_a)
    return tuple(lead)


def _lead_strides(shape: Sizes, strides: Sizes, rank: int) -> Sizes:
    own = [0 if size == 1 else stride for size, stride in zip(shape[:-2], strides)]
    return (0,) * (rank - len(own)) + tuple(own)


def _merged(sizes: Sizes, strides: tuple[Sizes, ...]) -> tuple[list[int], list[list[int]]]:
    """Neighbouring axes as one where all operands allow it, without those of size 1."""
    axes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis, size in enumerate(sizes):
        if size == 1:
            continue
        here = [stride[axis] for stride in strides]
        if axes and all(step[-1] == stride * size for step, stride in zip(steps, here)):
            axes[-1] *= size
            for step, stride in zip(steps, here):
                step[-1] = stride
        else:
            axes.append(size)
            for step, stride in zip(steps, here):
                step.append(stride)
    return axes, steps


def _matrix(rows: int, columns: int, row_stride: int, column_stride: int, batch_stride: int) -> Operand | None:
    if batch_stride < 0:
        return None
    if columns == 1 or column_stride == 1:
        if rows == 1:
            return Operand(False, columns, batch_stride)
        if row_stride >= columns:
            return Operand(False, row_stride, batch_stride)
    if rows == 1 or row_stride == 1:
        if columns == 1:
            return Operand(True, rows, batch_stride)
        if column_stride >= rows:
            return Operand(True, column_stride, batch_stride)
    return None


def analyse(shapes: tuple[Sizes, Sizes, Sizes], strides: tuple[Sizes, Sizes, Sizes]) -> Layout:
    """The layout of `a @ b -> out`; no size is 0, and `out` has all the leading axes."""
    a, b, out = shapes
    m, k, n = a[-2], a[-1], b[-1]
    lead = out[:-2]
    own = tuple(_lead_strides(shape, stride, len(lead)) for shape, stride in zip(shapes, strides))
    sizes, steps = _merged(lead, own)
    row_a, row_out = strides[0][-2], strides[2][-2]
    # One `b` for a whole axis: its matrices stand below each other, as rows of one matrix.
    if sizes and steps[1][-1] == 0 and (m == 1 or (steps[0][-1] == row_a * m and steps[2][-1] == row_out * m)):
        if m == 1:
            row_a, row_out = steps[0][-1], steps[2][-1]
        m *= sizes.pop()
        for step in steps:
            step.pop()
    if len(sizes) > 1:
        apart = [len(_merged(lead, (stride,))[0]) > 1 for stride in own]
        return Layout(0, m, n, k, None, None, None, (apart[0], apart[1], apart[2]), True)
    batch = sizes[0] if sizes else 1
    step_a, step_b, step_out = [step[0] if step else 0 for step in steps]
    matrix_a = _matrix(m, k, row_a, strides[0][-1], step_a)
    matrix_b = _matrix(k, n, strides[1][-2], strides[1][-1], step_b)
    matrix_out = _matrix(m, n, row_out, strides[2][-1], step_out)
    if matrix_out is not None and matrix_out.transposed:
        # The bias runs along the columns, which must lie next to each other.
        matrix_out = None
    copies = (matrix_a is None, matrix_b is None, matrix_out is None)
    return Layout(batch, m, n, k, matrix_a, matrix_b, matrix_out, copies)
