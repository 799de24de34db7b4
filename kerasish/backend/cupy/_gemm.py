"""Products of matrices in floating point: `gemm`, through cuBLASLt, in few host instructions a call.

For every combination of shapes, strides, dtypes and epilogue a plan is made once: how the operands are handed over,
the descriptors, and the algorithm. Plans are kept; a further call looks its plan up and enqueues one product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import config
from kerasish.backend.contract.types import Array
from kerasish.backend.cupy import _cublaslt as lt
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._epilogue import check_activation, finish
from kerasish.backend.cupy._gemm_layout import Layout, Operand, analyse, broadcast_lead
from kerasish.backend.dtypes import numpy_dtype, result_type

Plan = Callable[..., Array]

_HALVES = ("float16", "bfloat16")
_MANY_PLANS = 8192
_FEW_PRODUCTS = 8

plans: dict[tuple[Any, ...], Plan] = {}
"""What was planned so far; looked at by tests, and emptied when it has grown too large."""


def gemm(
    a: Array,
    b: Array,
    *,
    out: Array | None = None,
    bias: Array | None = None,
    activation: str = "linear",
    alpha: float = 1.0,
    beta: float = 0.0,
    dtype: Any = None,
) -> Array:
    """`activation(alpha * a @ b + beta * out + bias)`, summed in float32 (float64 for float64).

    May be captured in a CUDA graph: nothing is read back. Transposed and row-strided matrices, and batches that are
    evenly spaced in memory, are used where they lie; anything else is copied first.

    Args:
        a: `(..., m, k)`, of a floating-point dtype.
        b: `(..., k, n)`; its leading axes broadcast with those of `a`.
        out: Where the result goes, `(..., m, n)`; a new array by default. It must not overlap the operands.
        bias: `(n,)`, added to each row.
        activation: "linear", "relu", "sigmoid" or "tanh".
        alpha: Factor of the product.
        beta: Factor of what `out` holds before; where it is 0, that is not read.
        dtype: Of the result: by default that of `out`, else that of the operands.

    Returns:
        `out`, or the new array.

    Raises:
        ValueError: Shapes or the activation do not fit.
        ImportError: cuBLASLt is not installed.

    >>> gemm(cp.ones((2, 3)), cp.ones((3, 4)), bias=cp.ones(4), activation="relu")[0]  # doctest: +SKIP
    array([4., 4., 4., 4.])
    """
    if bias is not None and (bias.data.ptr & 15 or not bias.flags.c_contiguous):
        bias = bias.copy()
    key = (
        a.shape,
        a.strides,
        a.dtype,
        a.data.ptr & 15,
        b.shape,
        b.strides,
        b.dtype,
        b.data.ptr & 15,
        None if out is None else (out.shape, out.strides, out.dtype, out.data.ptr & 15),
        dtype,
        None if bias is None else (bias.shape, bias.dtype),
        activation,
        config.tf32_enabled(),
        cp.cuda.runtime.getDevice(),
    )
    plan = plans.get(key)
    if plan is None:
        if len(plans) >= _MANY_PLANS:
            plans.clear()
        plan = plans[key] = _plan(a, b, out, bias, activation, dtype)
    return plan(a, b, out, bias, alpha, beta)


def _alignment(address: int) -> int:
    """How far an address is aligned, up to 16 bytes, which is all that vector loads ask for."""
    return 16 if not address & 15 else address & -address & 15


class _Device:
    """The handle of a device, and a workspace for each stream, which is never given back.

    A captured graph keeps using the workspace of the stream it was captured on, so two such graphs must not run at
    the same time.
    """

    _all: dict[int, _Device] = {}

    def __init__(self, number: int) -> None:
        self.handle = lt.create_handle()
        hopper = int(cp.cuda.Device(number).compute_capability[:-1]) >= 9
        self.workspace_size = (32 if hopper else 4) << 20
        self._pool = cp.cuda.MemoryPool()
        self._workspaces: dict[int, Any] = {}

    @classmethod
    def current(cls) -> _Device:
        number = cp.cuda.runtime.getDevice()
        device = cls._all.get(number)
        if device is None:
            device = cls._all[number] = cls(number)
        return device

    def workspace(self, stream: int) -> int:
        """The address of the workspace of a stream."""
        memory = self._workspaces.get(stream)
        if memory is None:
            # A pool of its own: the one that is active may be that of a graph.
            memory = self._workspaces[stream] = self._pool.malloc(self.workspace_size)
        return int(memory.ptr)


class _Product:
    """One call of the library, and what its epilogue lacks."""

    def __init__(
        self, a: Array, b: Array, out: Array, bias: Array | None, activation: str, layout: Layout, fresh: bool
    ) -> None:
        self._shape, self._dtype, self._fresh = out.shape, out.dtype, fresh
        self._device = _Device.current()
        epilogue, rest = lt.EPILOGUE_DEFAULT, activation
        if bias is not None:
            epilogue = lt.EPILOGUE_BIAS
        if activation == "relu":
            epilogue, rest = lt.EPILOGUE_RELU | (epilogue & lt.EPILOGUE_BIAS), "linear"
        try:
            self._matmul = self._planned(a, b, out, 0 if bias is None else bias.data.ptr, epilogue, layout)
            self._fuses_bias = bias is not None
        except lt.NotSupportedError:
            if epilogue == lt.EPILOGUE_DEFAULT:
                raise
            self._matmul = self._planned(a, b, out, 0, lt.EPILOGUE_DEFAULT, layout)
            self._fuses_bias, rest = False, activation
        self._activation = rest
        self._finishes = rest != "linear" or (bias is not None and not self._fuses_bias)
        self._rows = (layout.batch, layout.m, layout.n)
        assert layout.out is not None
        self._row_strides = (layout.out.batch_stride, layout.out.leading, 1)

    def _planned(self, a: Array, b: Array, out: Array, bias: int, epilogue: int, layout: Layout) -> lt.Matmul:
        # In column-major order the product reads b^T a^T = out^T, so that rows of `out` become columns.
        compute = lt.COMPUTE_64F if a.dtype == np.float64 else lt.COMPUTE_32F
        if a.dtype == np.float32 and config.tf32_enabled():
            compute = lt.COMPUTE_32F_FAST_TF32
        # The others add partial sums in the dtype of the result.
        reductions = lt.REDUCTION_COMPUTE_TYPE if out.dtype.name in _HALVES else lt.REDUCTION_ALL
        first = _matrix(b, layout.b, layout.k, layout.n)
        second = _matrix(a, layout.a, layout.m, layout.k)
        result = _matrix(out, layout.out, layout.m, layout.n)
        assert layout.a is not None
        assert layout.b is not None
        return lt.Matmul(
            self._device.handle,
            first,
            second,
            result,
            transpose=(layout.b.transposed, layout.a.transposed),
            batch=layout.batch,
            compute=compute,
            epilogue=epilogue,
            bias=bias,
            workspace=self._device.workspace_size,
            reductions=reductions,
        )

    def __call__(self, a: Array, b: Array, out: Array | None, bias: Array | None, alpha: float, beta: float) -> Array:
        if out is None:
            out = cp.empty(self._shape, self._dtype)
        device = self._device
        stream = cp.cuda.get_current_stream().ptr
        self._matmul(
            b.data.ptr,
            a.data.ptr,
            out.data.ptr,
            alpha,
            0.0 if self._fresh else beta,
            bias.data.ptr if self._fuses_bias else 0,  # type: ignore[union-attr]
            device.workspace(stream),
            device.workspace_size,
            stream,
        )
        if self._finishes:
            finish(self._as_rows(out), None if self._fuses_bias else bias, self._activation)
        return out

    def _as_rows(self, out: Array) -> Array:
        if out.flags.c_contiguous:
            return out
        strides = tuple([stride * out.itemsize for stride in self._row_strides])
        return cp.ndarray(self._rows, out.dtype, out.data, strides)


def _matrix(x: Array, operand: Operand | None, rows: int, columns: int) -> lt.Matrix:
    assert operand is not None
    stored = (rows, columns) if operand.transposed else (columns, rows)
    return lt.Matrix(
        lt.DATA_TYPES[x.dtype.name], *stored, operand.leading, operand.batch_stride, _alignment(x.data.ptr)
    )


def _compact(x: Array) -> Array:
    """A contiguous copy; leading axes that repeat one matrix keep doing so."""
    index = tuple([slice(0, 1 if stride == 0 else None) for stride in x.strides[:-2]])
    kept = x[index].copy()
    return kept if kept.shape == x.shape else cp.broadcast_to(kept, x.shape)


def _plan(a: Array, b: Array, out: Array | None, bias: Array | None, activation: str, dtype: Any) -> Plan:
    check_activation(activation)
    lead = broadcast_lead(a.shape, b.shape)
    shape = (*lead, a.shape[-2], b.shape[-1])
    if out is not None and out.shape != shape:
        raise ValueError(f"The result does not fit into out: expected the shape {shape}. Received: {out.shape}")
    if bias is not None and bias.shape != shape[-1:]:
        raise ValueError(f"The bias must have the shape {shape[-1:]}. Received: {bias.shape}")
    operand = a.dtype if a.dtype == b.dtype else numpy_dtype(result_type(a.dtype, b.dtype))
    if operand.name not in lt.DATA_TYPES:
        raise ValueError(
            f"gemm multiplies float16, bfloat16, float32 or float64. Received: a.dtype={a.dtype}, b.dtype={b.dtype}"
        )
    result = np.dtype(dtype) if dtype is not None else operand if out is None else out.dtype
    if out is not None and out.dtype != result:
        raise ValueError(f"The dtype of out must be {result}. Received: out.dtype={out.dtype}")
    inner = np.dtype(np.float64) if result == np.float64 else operand
    direct = result == inner or (result == np.float32 and inner.name in _HALVES)
    if a.dtype != inner or b.dtype != inner or not direct or (bias is not None and bias.dtype != result):
        return _converted(inner, result, direct, activation)
    if 0 in shape or not a.shape[-1]:
        return _without_terms(shape, result, activation)
    target = cp.empty(shape, result) if out is None else out
    arrays = (a, b, target)
    if any(stride % x.itemsize for x in arrays for stride in x.strides):
        return _copied((True, True, out is not None), None, result, activation)
    shapes, strides = tuple([x.shape for x in arrays]), tuple([_strides(x) for x in arrays])
    layout = analyse(shapes, strides)  # type: ignore[arg-type]
    if layout.scattered:
        counts = [size for size in lead if size > 1]
        if min(counts) <= _FEW_PRODUCTS:
            return _one_by_one(lead.index(min(counts)), shape, result, activation)
        return _copied(layout.copies, lead, result, activation)
    if any(layout.copies):
        return _copied(layout.copies, None, result, activation)
    try:
        return _Product(a, b, target, bias, activation, layout, fresh=out is None)
    except lt.NotSupportedError:
        awkward = [not x.flags.c_contiguous or x.data.ptr % 16 != 0 for x in arrays]
        if any(awkward):
            return _copied((awkward[0], awkward[1], awkward[2]), lead, result, activation)
        if inner.name in _HALVES:
            # Turing has no bfloat16.
            return _converted(np.dtype(np.float32), result, result == np.float32, activation)
        raise


def _strides(x: Array) -> tuple[int, ...]:
    itemsize = x.itemsize
    return tuple([stride // itemsize for stride in x.strides])


def _converted(inner: Any, result: Any, direct: bool, activation: str) -> Plan:
    """The operands in a dtype that the library takes, the result in the one that is wanted."""

    def run(a: Array, b: Array, out: Array | None, bias: Array | None, alpha: float, beta: float) -> Array:
        a, b = a.astype(inner, copy=False), b.astype(inner, copy=False)
        bias = None if bias is None else bias.astype(result if direct else inner, copy=False)
        if direct:
            return gemm(a, b, out=out, bias=bias, activation=activation, alpha=alpha, beta=beta, dtype=result)
        if out is None:
            return gemm(a, b, bias=bias, activation=activation, alpha=alpha).astype(result)
        wide = out.astype(inner)
        out[...] = gemm(a, b, out=wide, bias=bias, activation=activation, alpha=alpha, beta=beta)
        return out

    return run


def _without_terms(shape: tuple[int, ...], result: Any, activation: str) -> Plan:
    """No element, or none to sum over: the library refuses sizes of 0."""

    def run(a: Array, b: Array, out: Array | None, bias: Array | None, alpha: float, beta: float) -> Array:
        y = cp.zeros(shape, result) if out is None or beta == 0 else out * result.type(beta)
        finish(y, bias, activation)
        if out is None:
            return y
        out[...] = y
        return out

    return run


def _copied(which: tuple[bool, bool, bool], lead: tuple[int, ...] | None, result: Any, activation: str) -> Plan:
    """Copies of what cannot be handed over, repeated along all of `lead` where that is given."""

    def copy(x: Array) -> Array:
        return _compact(x) if lead is None else cp.broadcast_to(x, lead + x.shape[-2:]).copy()

    def run(a: Array, b: Array, out: Array | None, bias: Array | None, alpha: float, beta: float) -> Array:
        a, b = copy(a) if which[0] else a, copy(b) if which[1] else b
        if out is None or not which[2]:
            return gemm(a, b, out=out, bias=bias, activation=activation, alpha=alpha, beta=beta, dtype=result)
        temporary = out.copy() if beta else cp.empty(out.shape, out.dtype)
        out[...] = gemm(a, b, out=temporary, bias=bias, activation=activation, alpha=alpha, beta=beta)
        return out

    return run


def _one_by_one(axis: int, shape: tuple[int, ...], result: Any, activation: str) -> Plan:
    """A product for each index of a leading axis: cheaper than a copy while there are few."""
    lead = shape[:-2]

    def run(a: Array, b: Array, out: Array | None, bias: Array | None, alpha: float, beta: float) -> Array:
        if out is None:
            out, beta = cp.empty(shape, result), 0.0
        a, b = cp.broadcast_to(a, lead + a.shape[-2:]), cp.broadcast_to(b, lead + b.shape[-2:])
        for number in range(lead[axis]):
            place = (slice(None),) * axis + (number,)
            gemm(a[place], b[place], out=out[place], bias=bias, activation=activation, alpha=alpha, beta=beta)
        return out

    return run
