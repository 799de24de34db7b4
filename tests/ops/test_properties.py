"""Shapes, strides, paddings and dtypes drawn at random: results agree with NumPy, gradients have the right shape."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasish import ops
from kerasish.autodiff import GradientTape, KerasTensor, Variable

FLOATS = st.sampled_from(["float32", "float64"])
# The same examples on every run: a failure is never a matter of luck.
quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def values(shape, dtype, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@st.composite
def broadcastable(draw):
    full = draw(st.lists(st.integers(0, 4), min_size=0, max_size=4))

    def thinned():
        shape = [draw(st.sampled_from([size, 1])) for size in full]
        return tuple(shape[draw(st.integers(0, len(shape))) :])

    return thinned(), thinned()


@quick
@given(broadcastable(), FLOATS, st.sampled_from(["add", "subtract", "multiply", "maximum", "minimum"]))
def test_functions_of_two_tensors_broadcast_and_their_gradients_fit(shapes, dtype, name):
    a, b = (values(shape, dtype, seed) for seed, shape in enumerate(shapes))
    x, y = Variable(a), Variable(b)
    with GradientTape() as tape:
        z = getattr(ops, name)(x, y)
    np.testing.assert_array_equal(z.numpy(), getattr(np, name)(a, b))
    dx, dy = tape.gradient(z, [x, y])
    assert (dx.shape, dy.shape) == (a.shape, b.shape)
    if name in ("add", "subtract"):
        np.testing.assert_allclose(dx.numpy(), np.full(a.shape, z.size / max(a.size, 1)), rtol=1e-6)


@st.composite
def convolutions(draw):
    rank = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilated = draw(st.booleans())
    strides = 1 if dilated else draw(st.integers(1, 3))
    dilation = draw(st.integers(1, 2)) if dilated else 1
    sizes = [draw(st.integers((k - 1) * dilation + 1, 8)) for k in kernel]
    channels, filters = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 3))
    return {
        "x": (draw(st.integers(0, 3)), *sizes, channels),
        "kernel": (*kernel, channels // groups, filters),
        "strides": strides,
        "dilation_rate": dilation,
        "padding": draw(st.sampled_from(["valid", "same"])),
    }


def naive_convolution(x, kernel, strides, dilation, padding):
    """The definition, one output at a time."""
    rank, window = x.ndim - 2, kernel.shape[:-2]
    reach = [(k - 1) * dilation + 1 for k in window]
    if padding == "same":
        out = [-(-size // strides) for size in x.shape[1:-1]]
        total = [max((o - 1) * strides + r - size, 0) for o, r, size in zip(out, reach, x.shape[1:-1], strict=True)]
        x = np.pad(x, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    out = [(size - r) // strides + 1 for size, r in zip(x.shape[1:-1], reach, strict=True)]
    groups = x.shape[-1] // kernel.shape[-2]
    filters = kernel.shape[-1] // groups
    y = np.zeros((x.shape[0], *out, kernel.shape[-1]))
    for place in np.ndindex(*out):
        span = tuple(slice(p * strides, p * strides + r, dilation) for p, r in zip(place, reach, strict=True))
        patch = x[(slice(None), *span)]
        for g in range(groups):
            inputs = patch[..., g * kernel.shape[-2] : (g + 1) * kernel.shape[-2]]
            weights = kernel[..., g * filters : (g + 1) * filters]
            axes = tuple(range(1, rank + 2)), tuple(range(rank + 1))
            y[(slice(None), *place, slice(g * filters, (g + 1) * filters))] = np.tensordot(inputs, weights, axes)
    return y


@quick
@given(convolutions())
def test_a_convolution_is_its_definition(case):
    x, kernel = values(case["x"], "float64"), values(case["kernel"], "float64", 1)
    options = {key: case[key] for key in ("strides", "padding", "dilation_rate")}
    y = ops.conv(x, kernel, **options)
    expected = naive_convolution(x, kernel, case["strides"], case["dilation_rate"], case["padding"])
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-12)
    symbolic = ops.conv(KerasTensor((None, *case["x"][1:]), "float64"), kernel, **options)
    assert symbolic.shape == (None, *expected.shape[1:])


@quick
@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.data(),
    FLOATS,
    st.sampled_from(["sum", "mean", "max", "min", "var", "prod"]),
)
def test_reductions_agree_with_numpy_over_any_axes(shape, data, dtype, name):
    axes = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), unique_by=lambda a: a % len(shape)))
    axis = data.draw(st.sampled_from([None, tuple(axes)])) if axes else None
    keepdims = data.draw(st.booleans())
    x = values(shape, dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    result = getattr(ops, name)(x, axis=axis, keepdims=keepdims)
    expected = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    assert result.shape == expected.shape
    assert result.dtype == dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=tolerance, atol=tolerance)


@quick
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_indexing_is_that_of_numpy_and_its_gradient_lands_where_it_came_from(shape, data):
    key = []
    for size in shape[: data.draw(st.integers(1, len(shape)))]:
        bound = st.one_of(st.none(), st.integers(-size, size))
        part = st.one_of(
            st.integers(-size, size - 1), st.builds(slice, bound, bound, st.sampled_from([None, 1, 2, -1]))
        )
        key.append(data.draw(part))
    x = values(shape, "float64")
    v = Variable(x)
    with GradientTape() as tape:
        y = v[tuple(key)]
        total = ops.sum(y)
    np.testing.assert_array_equal(y.numpy(), x[tuple(key)])
    expected = np.zeros(shape)
    expected[tuple(key)] = 1
    np.testing.assert_array_equal(tape.gradient(total, v).numpy(), expected)
