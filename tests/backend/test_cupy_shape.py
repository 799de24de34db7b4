"""Making and rearranging arrays on the GPU: what comes from the host and what can be captured."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.backend.capturing import Graph

BF16 = np.dtype(ml_dtypes.bfloat16)
X = np.arange(24, dtype="float32").reshape(2, 3, 4)


@pytest.fixture
def cp(cupy_kernels):
    return pytest.importorskip("cupy")


@pytest.fixture
def shape(cupy_kernels):
    """The kernels as they are, with device arrays as arguments and results."""
    from kerasish.backend.cupy import shape

    return shape


def test_an_array_of_the_device_enters_as_it_is(cp, shape):
    x = cp.ones(3)
    assert shape.asarray(x) is x


def test_host_data_is_copied_to_the_device(cp, shape):
    for given in (X, X[:, ::2], 2.5, [[1, 2], [3, 4]], np.float32(1.5), X.astype(">f4"), np.broadcast_to(1.0, (2, 3))):
        y = shape.asarray(given)
        wanted = np.asarray(given)
        assert isinstance(y, cp.ndarray)
        assert y.dtype == wanted.dtype.newbyteorder("=")
        np.testing.assert_array_equal(cp.asnumpy(y), wanted)


def test_what_has_only_dlpack_enters(cp, shape):
    class Foreign:
        def __init__(self, array):
            self.__dlpack__ = array.__dlpack__
            self.__dlpack_device__ = array.__dlpack_device__

    on_host = shape.asarray(Foreign(X))
    assert isinstance(on_host, cp.ndarray)
    np.testing.assert_array_equal(cp.asnumpy(on_host), X)


def test_values_go_back_to_the_host(cp, shape):
    y = shape.to_numpy(cp.asarray(X).transpose(2, 0, 1))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, X.transpose(2, 0, 1))
    assert shape.to_numpy(X) is X
    assert shape.to_numpy(cp.asarray(2.0)).shape == ()


def test_an_owned_copy_is_contiguous_and_apart(cp, shape):
    x = cp.asarray(X).T
    y = shape.owned(x)
    assert y.flags.c_contiguous
    y[...] = 0
    assert float(x.sum()) == X.sum()
    assert shape.owned(cp.broadcast_to(cp.ones(()), (3,))).strides == (8,)


def test_copy_into_takes_both_sides(cp, shape):
    y = cp.zeros((2, 2), np.float32)
    view = y[:, :1]
    shape.copy_into(view, np.array([[1.5], [2.5]]))
    assert y.tolist() == [[1.5, 0], [2.5, 0]]
    shape.copy_into(y, cp.asarray(np.array([3, 4])))
    assert y.tolist() == [[3, 4], [3, 4]]
    whole = cp.zeros(2, np.int32)
    shape.copy_into(whole, cp.asarray(np.array([1.9, -1.9])))
    assert whole.tolist() == [1, -1]
    with pytest.raises(ValueError, match="broadcast"):
        shape.copy_into(y, cp.zeros(3))


@pytest.mark.parametrize("dtype", ["float16", BF16, "int8", "uint64", "bool", "complex64"], ids=str)
def test_new_arrays_in_every_dtype(cp, shape, dtype):
    dtype = np.dtype(dtype)
    for y, wanted in (
        (shape.full((2,), value=1.7, dtype=dtype), np.full(2, 1.7).astype(dtype)),
        (shape.full((2, 2), value=cp.asarray(np.array([0, 3])), dtype=dtype), np.array([[0, 3]] * 2).astype(dtype)),
        (shape.full((1, 2), value=np.array([1, 2]), dtype=dtype), np.array([[1, 2]]).astype(dtype)),
        (shape.full((), value=np.float64(1), dtype=dtype), np.array(1).astype(dtype)),
        (shape.ones((2, 1), dtype=dtype), np.ones((2, 1), dtype)),
        (shape.eye(rows=2, columns=3, k=-1, dtype=dtype), np.eye(2, 3, -1).astype(dtype)),
    ):
        assert y.dtype == dtype
        np.testing.assert_array_equal(cp.asnumpy(y), wanted)


def test_half_precision_ranges_are_computed_in_single(cp, shape):
    for dtype in (BF16, np.dtype("float16")):
        y = shape.arange(start=0, stop=2, step=0.1, dtype=dtype)
        assert y.dtype == dtype
        np.testing.assert_array_equal(cp.asnumpy(y), np.arange(0, 2, 0.1).astype(dtype))
        z = shape.linspace(cp.zeros(2, dtype), 1, num=3, endpoint=True, dtype=dtype, axis=-1)
        assert z.dtype == dtype
        assert z.tolist() == [[0, 0.5, 1]] * 2


@pytest.mark.parametrize("num", [0, 1, 2, 5])
@pytest.mark.parametrize("endpoint", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_evenly_spaced_values_follow_numpy(cp, shape, num, endpoint, dtype):
    attrs = {"num": num, "endpoint": endpoint, "dtype": np.dtype(dtype)}
    for start, stop, axis in ((-1.5, 3, 0), (np.array([0.0, 4]), np.array([[-9.0], [2]]), 1), (2, np.array([7.0]), -1)):
        sent = [cp.asarray(x) if isinstance(x, np.ndarray) else x for x in (start, stop)]
        y = cp.asnumpy(shape.linspace(*sent, **attrs, axis=axis))
        wanted = np.linspace(start, stop, **attrs, axis=axis)
        assert y.dtype == wanted.dtype
        np.testing.assert_allclose(y, wanted, 1e-6)
    with pytest.raises(ValueError, match="num=-1"):
        shape.linspace(0.0, 1.0, num=-1, endpoint=True, dtype=np.dtype("float32"), axis=0)


def test_many_arrays_are_joined(cp, shape):
    parts = [X[:, :, i : i + 1] * n for n in range(5) for i in range(4)]
    y = shape.concatenate(*[cp.asarray(part) for part in parts], axis=2)
    np.testing.assert_array_equal(cp.asnumpy(y), np.concatenate(parts, 2))
    mixed = shape.concatenate(cp.asarray(X), cp.zeros((2, 0, 4)), axis=-2)
    assert (mixed.dtype, mixed.shape) == (np.float64, X.shape)


def test_arrays_that_do_not_fit_are_named(cp, shape):
    x = cp.asarray(X)
    with pytest.raises(ValueError, match=r"same shape but for axis 1.*\(2, 3, 4\), \(2, 3\)"):
        shape.concatenate(x, cp.zeros((2, 3)), axis=1)
    with pytest.raises(np.exceptions.AxisError):
        shape.concatenate(x, x, axis=3)
    with pytest.raises(ValueError, match="without dimensions"):
        shape.concatenate(cp.zeros(()), axis=0)
    with pytest.raises(ValueError, match="repeats"):
        shape.repeat(x, repeats=(1, 2, 3), axis=0)
    with pytest.raises(ValueError, match="mode='mean'"):
        shape.pad(x, pad_width=((0, 0),) * 3, mode="mean")
    with pytest.raises(ValueError, match="pad_width"):
        shape.pad(x, pad_width=((0, 0), (0, -1), (0, 0)), mode="constant")
    with pytest.raises(ValueError, match="without elements"):
        shape.pad(x[:0], pad_width=((1, 0), (0, 0), (0, 0)), mode="edge")


@pytest.mark.parametrize("mode", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("dtype", ["float32", BF16, "int16"], ids=str)
def test_padding_wider_than_the_array_goes_round(cupy_kernels, mode, dtype):
    x = X.astype(dtype)
    for width in (((0, 1), (7, 2), (3, 11)), ((0, 0),) * 3, ((5, 0), (0, 0), (0, 0))):
        for values in (x, x[:1], x[:, ::-1, ::2]):
            y = cupy_kernels.pad(values, pad_width=width, mode=mode)
            assert y.dtype == dtype
            np.testing.assert_array_equal(y, np.pad(values, width, mode))


def test_a_constant_may_lie_on_the_device(cp, shape):
    y = shape.pad(cp.asarray(X[0]), pad_width=((0, 1), (2, 0)), mode="constant", value=cp.asarray(5.0))
    np.testing.assert_array_equal(cp.asnumpy(y), np.pad(X[0], ((0, 1), (2, 0)), constant_values=5))


@pytest.mark.parametrize("dtype", ["float64", BF16, "bool", "complex64"], ids=str)
def test_a_rearrangement_follows_numpy_in_every_dtype(cupy_kernels, dtype):
    x = X.astype(dtype)
    for values in (x, x.transpose(2, 1, 0), x[:, :0], x[::-1, ::2]):
        for kernel, attrs, reference in (
            ("roll", {"shift": (-1, 5, 0), "axis": (0, 1, 2)}, lambda v: np.roll(v, (-1, 5, 0), (0, 1, 2))),
            ("roll", {"shift": (1, 1), "axis": (2, 2)}, lambda v: np.roll(v, 2, 2)),
            ("repeat", {"repeats": 3, "axis": 0}, lambda v: np.repeat(v, 3, 0)),
            ("repeat", {"repeats": (2,), "axis": 2}, lambda v: np.repeat(v, 2, 2)),
            ("repeat", {"repeats": 0, "axis": 1}, lambda v: np.repeat(v, 0, 1)),
            ("tile", {"repeats": (2, 1, 2)}, lambda v: np.tile(v, (2, 1, 2))),
            ("tile", {"repeats": (2, 1, 2, 1)}, lambda v: np.tile(v, (2, 1, 2, 1))),
            ("tril", {"k": -1}, lambda v: np.tril(v, -1)),
            ("triu", {"k": 1}, lambda v: np.triu(v, 1)),
            ("flip", {"axis": (1,)}, lambda v: np.flip(v, 1)),
        ):
            y = getattr(cupy_kernels, kernel)(values, **attrs)
            assert y.dtype == dtype
            np.testing.assert_array_equal(y, reference(values))


@pytest.mark.parametrize(
    "function",
    [
        lambda shape, x: shape.concatenate(*[x] * 12, axis=1),
        lambda shape, x: shape.pad(x, pad_width=((1, 2), (2, 0), (0, 3)), mode="reflect"),
        lambda shape, x: shape.pad(x, pad_width=((1, 2), (2, 0), (0, 3)), mode="constant", value=2),
        lambda shape, x: shape.roll(x, shift=(1, 2), axis=(0, 2)),
        lambda shape, x: shape.repeat(x, repeats=(1, 0, 2), axis=1),
        lambda shape, x: shape.tile(x, repeats=(2, 2, 2)),
        lambda shape, x: shape.tril(x, k=0),
        lambda shape, x: shape.owned(shape.broadcast_to(x, shape=(2, 2, 3, 4))),
        lambda shape, x: shape.full((2, 3, 4), value=x[0], dtype=x.dtype),
        lambda shape, x: shape.linspace(x, 1.0, num=4, endpoint=False, dtype=x.dtype, axis=0),
        lambda shape, x: shape.eye(rows=3, columns=4, k=1, dtype=x.dtype) + shape.arange(
            start=0, stop=4, step=1, dtype=x.dtype
        ),
    ],
)  # fmt: skip
def test_a_rearrangement_is_captured(cp, shape, function):
    from kerasish import backend

    x = cp.zeros(X.shape, X.dtype)
    graph = Graph(lambda: function(shape, x))
    x.set(X)
    reference = type("Shape", (), {k: staticmethod(f) for k, f in backend.kernels_of("numpy").items()})
    np.testing.assert_allclose(graph.replay(), function(reference, X), 1e-6)


def test_a_copy_into_an_array_is_captured(cp, shape):
    x, y = cp.zeros(X.shape, X.dtype), cp.zeros((4, *X.shape), np.float64)
    graph = Graph(lambda: shape.copy_into(y, x) or y)
    x.set(X)
    np.testing.assert_array_equal(graph.replay(), np.stack([X] * 4))


def test_shapes_of_symbolic_tensors_are_found_on_the_host(cp):
    from kerasish import backend, layers, ops

    before = backend.active_name()
    backend.activate("cupy")
    try:
        x = layers.Input((6, 4))
        mask = ops.convert_to_tensor([True, False, True, True])
        order = ops.argsort(x, axis=1)
        shapes = [
            ops.take_along_axis(x, order, axis=1).shape,
            x[:, :, mask].shape,
            x[:, ops.convert_to_tensor([0, 1, 1])].shape,
            ops.cumsum(ops.where(x > 0, x, 0.0), axis=1).shape,
            ops.top_k(x, 3)[0].shape,
        ]
    finally:
        backend.activate(before)
    assert shapes == [(None, 6, 4), (None, 6, 3), (None, 3, 4), (None, 6, 4), (None, 6, 3)]
