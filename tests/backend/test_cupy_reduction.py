"""The reductions of the GPU: every split of the work, every dtype, every order of the axes."""

from __future__ import annotations

import itertools

import ml_dtypes
import numpy as np
import pytest

from tests.backend.capturing import Graph

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = [np.dtype("float16"), BF16, np.dtype("float32"), np.dtype("float64")]
TOLERANCE = {"bfloat16": 1e-2, "float16": 2e-3, "float32": 1e-5, "float64": 1e-12}
# Single lanes, parts of a warp, whole blocks, vectors and not, two stages; columns likewise.
SHAPES = {
    "short rows": ((70, 3), (1,)),
    "rows of a warp": ((9, 100), (1,)),
    "rows of vectors": ((5, 2048), (1,)),
    "rows of no vectors": ((3, 1501), (1,)),
    "a long row": ((9000,), (0,)),
    "a long row of vectors": ((3, 12288), (1,)),
    "columns": ((50, 37), (0,)),
    "columns of vectors": ((50, 260), (0,)),
    "long columns": ((1000, 6), (0,)),
    "long columns of vectors": ((3, 700, 8), (1,)),
    "two groups": ((4, 5, 6, 3), (0, 2)),
    "first and last": ((40, 5, 60), (0, 2)),
    "all": ((40, 5, 60), None),
    "of size one": ((4, 1, 3), (1,)),
}


def sample(shape, dtype, seed=0):
    return np.random.default_rng(seed).uniform(-1, 2, shape).astype(dtype)


@pytest.mark.parametrize("case", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_a_reduction_agrees_with_float64(cupy_kernels, name, dtype, case):
    shape, axis = case
    x = sample(shape, dtype)
    y = getattr(cupy_kernels, name)(x, axis=axis)
    wanted = np.asarray(getattr(np, name)(x.astype("float64"), axis=axis))
    assert y.dtype == dtype
    assert y.shape == wanted.shape
    scale = abs(x.astype("float64")).sum(axis=axis) if name == "sum" else 1
    assert (abs(y.astype("float64") - wanted) <= TOLERANCE[dtype.name] * scale).all()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("axis", [(0,), (1,), (0, 2), (0, 1, 2)])
def test_the_order_of_the_memory_does_not_matter(cupy_kernels, axis, order):
    whole = sample((6, 7, 8), "float64").transpose(order)
    for x in (whole, whole[:, ::2], whole[::-1], np.broadcast_to(whole[:1], whole.shape)):
        for keepdims in (False, True):
            y = cupy_kernels.sum(x, axis=axis, keepdims=keepdims)
            np.testing.assert_allclose(y, x.sum(axis=axis, keepdims=keepdims), 1e-12, 1e-12)


@pytest.mark.parametrize("offset", [1, 3])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_an_array_may_begin_anywhere(cupy_kernels, dtype, offset):
    from kerasish.backend.cupy import reduction

    cp = pytest.importorskip("cupy")
    memory = sample(4096 + offset, dtype)
    for shape, axis in (((2, 2048), (1,)), ((64, 64), (0,))):
        view = cp.asarray(memory)[offset:].reshape(shape)
        y = cp.asnumpy(reduction.sum(view, axis=axis))
        wanted = memory[offset:].reshape(shape).astype("float64").sum(axis)
        np.testing.assert_allclose(y.astype("float64"), wanted, TOLERANCE[dtype.name], 2048 * TOLERANCE[dtype.name] / 9)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("shape", [(3, 10), (2, 9000), (300, 5)])
def test_one_nan_is_the_extremum(cupy_kernels, name, dtype, shape):
    x = sample(shape, dtype)
    for axis in (0, 1):
        place = tuple(size // 2 for size in shape)
        x[place] = np.nan
        y = getattr(cupy_kernels, name)(x, axis=(axis,)).astype(float)
        assert np.isnan(y[place[1 - axis]])
        assert np.isnan(y).sum() == 1
    infinite = np.full(shape, -np.inf if name == "max" else np.inf).astype(dtype)
    assert (getattr(cupy_kernels, name)(infinite, axis=(1,)).astype(float) == infinite[:, 0].astype(float)).all()


@pytest.mark.parametrize("dtype", [*FLOATS, np.dtype(bool), np.dtype("int16")], ids=str)
@pytest.mark.parametrize("axis", [None, (0,), (1,), ()])
def test_truth_is_counted(cupy_kernels, dtype, axis):
    x = np.random.default_rng(1).integers(0, 2, (30, 41)).astype(dtype)
    x[:, 3], x[4], x[:, 5], x[6] = 0, 0, 1, 1
    x32 = x.astype("float32")
    for name, kind in (("any", "bool"), ("all", "bool"), ("count_nonzero", "int32")):
        y = getattr(cupy_kernels, name)(x, axis=axis)
        assert y.dtype == kind
        np.testing.assert_array_equal(y, getattr(np, name)(x32, axis=axis) if axis != () else x32 != 0)


def test_nan_is_true(cupy_kernels):
    assert cupy_kernels.all(np.array([np.nan, 1.0]))
    assert cupy_kernels.any(np.array([np.nan, 0.0]))


@pytest.mark.parametrize("dtype", [bool, "int8", "uint8", "int64"])
def test_integers_and_flags_keep_their_dtype(cupy_kernels, dtype):
    x = np.array([[1, 0, 1], [1, 1, 1]], dtype)
    for name, function in (("sum", np.add), ("prod", np.multiply), ("max", np.maximum), ("min", np.minimum)):
        y = getattr(cupy_kernels, name)(x, axis=(1,))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, function.reduce(x, 1, np.dtype(dtype)))
    for name, function in (("cumsum", np.add), ("cumprod", np.multiply)):
        y = getattr(cupy_kernels, name)(x, axis=1)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, function.accumulate(x, 1, np.dtype(dtype)))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(("shape", "axis"), [((2, 2500), 1), ((3, 5), 1), ((7, 300), 0), ((2, 40, 3), 1), ((0, 4), 0)])
def test_running_sums_and_products(cupy_kernels, dtype, shape, axis):
    x = sample(shape, dtype)
    y = cupy_kernels.cumsum(x, axis=axis)
    wanted = x.astype("float64").cumsum(axis)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.astype("float64"), wanted, TOLERANCE[dtype.name], 30 * TOLERANCE[dtype.name])
    factors = (1 + (x.astype("float64") - 0.5) / 100).astype(dtype)
    products = cupy_kernels.cumprod(factors, axis=axis).astype("float64")
    np.testing.assert_allclose(products, factors.astype("float64").cumprod(axis), 30 * TOLERANCE[dtype.name])


def test_positions_of_extrema_in_bfloat16(cupy_kernels):
    x = np.array([[1, 3, 3], [-1, np.nan, 2]]).astype(BF16)
    assert cupy_kernels.argmax(x, axis=1).tolist() == [1, 1]
    assert cupy_kernels.argmin(x, axis=1).tolist() == [0, 1]
    assert cupy_kernels.argmin(np.zeros((0, 3)), axis=1).shape == (0,)


def test_bad_axes_are_named(cupy_kernels):
    x = np.zeros((2, 0))
    for name in ("sum", "max", "all"):
        with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds"):
            getattr(cupy_kernels, name)(x, axis=(2,))
    with pytest.raises(ValueError, match="once"):
        cupy_kernels.sum(x, axis=(0, -2))
    with pytest.raises(np.exceptions.AxisError):
        cupy_kernels.cumsum(x, axis=2)
    with pytest.raises(np.exceptions.AxisError):
        cupy_kernels.argmax(x, axis=2)
    with pytest.raises(ValueError, match=r"x\.shape=\(2, 0\)"):
        cupy_kernels.argmax(x, axis=1)
    with pytest.raises(ValueError, match="no identity"):
        cupy_kernels.min(x)
    assert cupy_kernels.max(x, axis=(0,)).shape == (0,)


@pytest.mark.parametrize(
    ("name", "attrs"),
    [("sum", {}), ("mean", {"axis": (0,)}), ("max", {"axis": (1,)}), ("all", {}), ("cumsum", {"axis": 1})],
)
def test_a_reduction_is_captured(cupy_kernels, name, attrs):
    from kerasish.backend.cupy import reduction

    cp = pytest.importorskip("cupy")
    x = cp.zeros((60, 70), np.float32)
    graph = Graph(lambda: getattr(reduction, name)(x, **attrs))
    values = sample((60, 70), "float32") + 2
    x.set(values)
    axis = attrs["axis"][0] if isinstance(attrs.get("axis"), tuple) else attrs.get("axis")
    np.testing.assert_allclose(graph.replay(), getattr(np, name)(values, axis=axis), 1e-5)
