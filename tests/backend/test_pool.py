import itertools

import numpy as np
import pytest

TOLERANCE = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-12}

# (x shape, window, strides, padding)
CASES = {
    "1-d": ((2, 7, 3), (2,), (2,), ((0, 0),)),
    "2x2": ((2, 6, 4, 3), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "2x2 with a remainder": ((2, 5, 7, 3), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "same": ((2, 5, 7, 3), (2, 2), (2, 2), ((0, 1), (0, 1))),
    "overlapping": ((3, 7, 6, 2), (3, 2), (2, 1), ((0, 0), (0, 0))),
    "overlapping same": ((2, 7, 6, 2), (3, 3), (2, 1), ((1, 1), (1, 1))),
    "stride past the window": ((2, 9, 8, 2), (2, 1), (3, 4), ((0, 0), (0, 0))),
    "only the second axis": ((2, 3, 6, 2), (1, 3), (1, 3), ((0, 0), (0, 0))),
    "whole image": ((2, 4, 3, 5), (4, 3), (4, 3), ((0, 0), (0, 0))),
    "window past the array": ((2, 2, 2, 2), (5, 5), (1, 1), ((2, 2), (2, 2))),
    "identity": ((2, 3, 3, 2), (1, 1), (1, 1), ((0, 0), (0, 0))),
    "3-d": ((2, 4, 5, 4, 2), (2, 3, 2), (2, 1, 2), ((0, 0), (1, 1), (0, 0))),
    "size 1": ((1, 1, 1, 1), (1, 1), (1, 1), ((0, 0), (0, 0))),
    "empty batch": ((0, 4, 4, 2), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "no window fits": ((2, 1, 4, 2), (2, 2), (2, 2), ((0, 0), (0, 0))),
}


def each_case(function):
    function = pytest.mark.parametrize("dtype", TOLERANCE)(function)
    return pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())(function)


def windows(case):
    """Each output place with the input places of its window in row-major order."""
    shape, window, strides, padding = case
    out = [max((n + sum(p) - k) // s + 1, 0) for n, k, s, p in zip(shape[1:-1], window, strides, padding)]
    places = []
    for o in itertools.product(*map(range, out)):
        inside = []
        for k in itertools.product(*map(range, window)):
            i = tuple(a * s + b - p[0] for a, s, b, p in zip(o, strides, k, padding))
            if all(0 <= a < n for a, n in zip(i, shape[1:-1])):
                inside.append(i)
        places.append((o, inside))
    return (shape[0], *out, shape[-1]), places


def attributes(case):
    return {"window": case[1], "strides": case[2], "padding": case[3]}


def integers(shape, seed, dtype):
    # Few distinct values, so that most windows hold their maximum several times.
    return np.random.default_rng(seed).integers(-3, 3, shape).astype(dtype)


def at(place):
    return (slice(None), *place)


@each_case
def test_max_pool_and_its_gradient_equal_plain_loops(kernels, case, dtype):
    shape, places = windows(case)
    x, dy = integers(case[0], 1, dtype), integers(shape, 2, dtype)
    y, dx = np.zeros(shape), np.zeros(x.shape)
    for o, inside in places:
        values = np.stack([x[at(i)] for i in inside])
        y[at(o)] = values.max(0)
        first = values.argmax(0)
        for rank, i in enumerate(inside):
            dx[at(i)] += np.where(first == rank, dy[at(o)], 0)
    got = kernels.max_pool(x, **attributes(case))
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, y)
    gradient = kernels.max_pool_backward(dy, x, got, **attributes(case))
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(gradient, dx)


@each_case
def test_average_pool_and_its_gradient_equal_plain_loops(kernels, case, dtype):
    shape, places = windows(case)
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal(case[0]).astype(dtype), rng.standard_normal(shape).astype(dtype)
    y, dx = np.zeros(shape), np.zeros(x.shape)
    for o, inside in places:
        y[at(o)] = np.mean([x[at(i)].astype("float64") for i in inside], 0)
        for i in inside:
            dx[at(i)] += dy[at(o)].astype("float64") / len(inside)
    got = kernels.average_pool(x, **attributes(case))
    gradient = kernels.average_pool_backward(dy, input_shape=x.shape, **attributes(case))
    assert got.dtype == gradient.dtype == dtype
    assert gradient.shape == x.shape
    np.testing.assert_allclose(got.astype("float64"), y, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    np.testing.assert_allclose(gradient.astype("float64"), dx, rtol=TOLERANCE[dtype], atol=2 * TOLERANCE[dtype])


@pytest.mark.parametrize("name", ["2x2", "overlapping same", "3-d"])
def test_gradients_equal_numeric_differentiation(kernels, name):
    case = CASES[name]
    shape, _ = windows(case)
    rng = np.random.default_rng(4)
    # A permutation keeps the values apart by more than the step, so no maximum changes place.
    x = rng.permutation(np.prod(case[0])).reshape(case[0]).astype("float64")
    direction, dy = rng.uniform(-0.4, 0.4, x.shape), rng.standard_normal(shape)
    for forward, gradient in (
        (
            kernels.max_pool,
            kernels.max_pool_backward(dy, x, kernels.max_pool(x, **attributes(case)), **attributes(case)),
        ),
        (
            kernels.average_pool,
            kernels.average_pool_backward(dy, input_shape=x.shape, **attributes(case)),
        ),
    ):
        change = forward(x + direction, **attributes(case)) - forward(x - direction, **attributes(case))
        np.testing.assert_allclose(np.vdot(gradient, direction), np.vdot(change, dy) / 2, rtol=1e-9)


@pytest.mark.parametrize("name", ["2x2", "overlapping same", "identity", "whole image"])
def test_non_contiguous_arrays_give_the_same_and_stay_unchanged(kernels, name):
    case = CASES[name]
    shape, _ = windows(case)
    named = attributes(case)

    def strided(a):
        view = np.zeros((a.shape[-1] * 2, *a.shape[1:-1], a.shape[0])).swapaxes(0, -1)[..., ::2]
        view[...] = a
        view.flags.writeable = False
        return view

    x, dy = integers(case[0], 1, "float64"), integers(shape, 2, "float64")
    y = kernels.max_pool(x, **named)
    sx, sy, sdy = map(strided, (x, y, dy))
    np.testing.assert_array_equal(kernels.max_pool(sx, **named), y)
    np.testing.assert_array_equal(
        kernels.max_pool_backward(sdy, sx, sy, **named), kernels.max_pool_backward(dy, x, y, **named)
    )
    np.testing.assert_allclose(kernels.average_pool(sx, **named), kernels.average_pool(x, **named))
    np.testing.assert_allclose(
        kernels.average_pool_backward(sdy, input_shape=x.shape, **named),
        kernels.average_pool_backward(dy, input_shape=x.shape, **named),
    )


def test_max_pool_of_integers_and_infinities(kernels):
    named = {"window": (2,), "strides": (2,), "padding": ((1, 0),)}
    np.testing.assert_array_equal(kernels.max_pool(np.array([-5, -7, -9]).reshape(1, 3, 1), **named).ravel(), [-5, -7])
    x = np.array([-np.inf, -np.inf, np.nan]).reshape(1, 3, 1)
    np.testing.assert_array_equal(kernels.max_pool(x, **named).ravel(), [-np.inf, np.nan])


def test_an_infinite_gradient_reaches_only_its_maximum(kernels):
    named = {"window": (2,), "strides": (2,), "padding": ((0, 0),)}
    x = np.array([1.0, 2.0]).reshape(1, 2, 1)
    y = kernels.max_pool(x, **named)
    got = kernels.max_pool_backward(np.full_like(y, np.inf), x, y, **named)
    np.testing.assert_array_equal(got.ravel(), [0.0, np.inf])
