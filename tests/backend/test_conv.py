import itertools

import numpy as np
import pytest

TOLERANCE = {"float16": 1e-2, "float32": 1e-4, "float64": 1e-11}

# (x shape, kernel spatial shape, outputs, strides, padding, dilation, groups)
CASES = {
    "1-d causal": ((2, 9, 3), (3,), 4, (1,), ((4, 0),), (2,), 1),
    "3x3 valid": ((2, 6, 5, 3), (3, 3), 4, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "3x3 same": ((2, 6, 5, 6), (3, 3), 4, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "one channel": ((2, 7, 7, 1), (3, 3), 3, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "to one of many": ((2, 5, 5, 1), (3, 3), 9, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "strided, uneven": ((3, 8, 7, 2), (3, 2), 5, (2, 3), ((0, 1), (1, 0)), (1, 1), 1),
    "dilated": ((2, 9, 8, 2), (3, 2), 3, (1, 1), ((2, 2), (0, 1)), (2, 3), 1),
    "grouped": ((2, 6, 5, 6), (3, 3), 9, (1, 1), ((1, 1), (0, 0)), (1, 1), 3),
    "grouped, strided": ((2, 6, 5, 4), (3, 2), 6, (2, 1), ((1, 1), (0, 0)), (1, 1), 2),
    "pointwise": ((2, 4, 3, 5), (1, 1), 4, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "pointwise strided": ((2, 5, 4, 5), (1, 1), 4, (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    "pointwise grouped": ((2, 5, 4, 4), (1, 1), 6, (1, 1), ((0, 0), (0, 0)), (1, 1), 2),
    "pointwise padded": ((2, 3, 3, 2), (1, 1), 3, (1, 1), ((1, 0), (0, 2)), (1, 1), 1),
    "stride past the window": ((2, 9, 9, 2), (2, 2), 3, (4, 3), ((0, 0), (0, 0)), (1, 1), 1),
    "unread border": ((1, 8, 8, 2), (3, 3), 2, (3, 3), ((0, 0), (0, 0)), (1, 1), 1),
    "cropped": ((2, 7, 6, 2), (2, 2), 3, (1, 2), ((-1, 0), (0, -1)), (1, 1), 1),
    "padding past the window": ((1, 2, 2, 2), (2, 2), 3, (1, 1), ((4, 3), (2, 5)), (1, 1), 1),
    "3-d": ((2, 4, 5, 4, 2), (2, 3, 2), 3, (1, 2, 1), ((0, 1), (1, 1), (0, 0)), (1, 1, 2), 1),
    "many channels": ((2, 5, 5, 20), (3, 3), 7, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "size 1": ((1, 1, 1, 1), (1, 1), 1, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "empty batch": ((0, 5, 5, 2), (3, 3), 3, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "no window fits": ((2, 2, 2, 2), (3, 3), 3, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
}


def each_case(function):
    return pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())(function)


def random(shape, seed, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def reach(case):
    """For each output place and kernel position, the input place it reads, when it is inside."""
    shape, window, _, strides, padding, dilation, _ = case
    sizes = shape[1:-1]
    out = [
        max((n + sum(p) - (k - 1) * d - 1) // s + 1, 0)
        for n, k, s, p, d in zip(sizes, window, strides, padding, dilation)
    ]
    pairs = []
    for o in itertools.product(*map(range, out)):
        for k in itertools.product(*map(range, window)):
            i = tuple(a * s + b * d - p[0] for a, s, b, d, p in zip(o, strides, k, dilation, padding))
            if all(0 <= a < n for a, n in zip(i, sizes)):
                pairs.append((o, k, i))
    return tuple(out), pairs


def attributes(case, depthwise=False):
    named = {"strides": case[3], "padding": case[4], "dilation": case[5]}
    return named if depthwise else {**named, "groups": case[6]}


def naive(case, x, kernel):
    """The linear convolution and its two adjoints as plain loops in float64."""
    groups = case[6]
    out, pairs = reach(case)
    cin, cout = kernel.shape[-2], kernel.shape[-1] // groups
    y = np.zeros((x.shape[0], *out, kernel.shape[-1]))
    dy = random(y.shape, 9)
    dx, dk = np.zeros(x.shape), np.zeros(kernel.shape)
    for (o, k, i), g in itertools.product(pairs, range(groups)):
        a, b = slice(g * cin, (g + 1) * cin), slice(g * cout, (g + 1) * cout)
        y[(slice(None), *o, b)] += x[(slice(None), *i, a)] @ kernel[(*k, slice(None), b)]
        dx[(slice(None), *i, a)] += dy[(slice(None), *o, b)] @ kernel[(*k, slice(None), b)].T
        dk[(*k, slice(None), b)] += x[(slice(None), *i, a)].T @ dy[(slice(None), *o, b)]
    return y, dy, dx, dk


def operands(case, dtype="float64"):
    shape, window, outputs, *_, groups = case
    x = random(shape, 1, dtype)
    return x, random((*window, shape[-1] // groups, outputs), 2, dtype)


def check(got, expected, dtype):
    assert got.dtype == dtype
    assert got.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got.astype("float64") / scale, expected / scale, atol=TOLERANCE[dtype])


@each_case
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_conv_and_its_gradients_equal_plain_loops(kernels, case, dtype):
    x, kernel = operands(case, dtype)
    y, dy, dx, dk = naive(case, x.astype("float64"), kernel.astype("float64"))
    named = attributes(case)
    check(kernels.conv(x, kernel, None, activation="linear", **named), y, dtype)
    dy = dy.astype(dtype)
    check(kernels.conv_backward_input(dy, kernel, input_shape=x.shape, **named), dx, dtype)
    check(kernels.conv_backward_kernel(x, dy, kernel_shape=kernel.shape, **named), dk, dtype)


@each_case
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_depthwise_conv_is_a_conv_with_one_group_a_channel(kernels, case, multiplier, dtype):
    shape, window, *rest, _ = case
    channels = shape[-1]
    x, kernel = random(shape, 1, dtype), random((*window, channels, multiplier), 2, dtype)
    grouped = (shape, window, channels * multiplier, *rest[1:], channels)
    y, dy, dx, dk = naive(
        grouped, x.astype("float64"), kernel.astype("float64").reshape(*window, 1, channels * multiplier)
    )
    named = attributes(case, depthwise=True)
    check(kernels.depthwise_conv(x, kernel, **named), y, dtype)
    dy = dy.astype(dtype)
    check(kernels.depthwise_conv_backward_input(dy, kernel, input_shape=shape, **named), dx, dtype)
    got = kernels.depthwise_conv_backward_kernel(x, dy, kernel_shape=kernel.shape, **named)
    check(got, dk.reshape(kernel.shape), dtype)


@pytest.mark.parametrize("name", ["3x3 same", "grouped, strided", "pointwise", "one channel", "dilated"])
def test_gradients_equal_numeric_differentiation(kernels, name):
    case = CASES[name]
    x, kernel = operands(case)
    named = attributes(case)

    def forward(x, kernel):
        return kernels.conv(x, kernel, None, activation="linear", **named)

    dy = random(forward(x, kernel).shape, 5)
    toward_x, toward_kernel = random(x.shape, 6), random(kernel.shape, 7)
    # The function is linear in each operand, so a wide step has no truncation error.
    slope_x = np.vdot(forward(x + toward_x, kernel) - forward(x - toward_x, kernel), dy) / 2
    slope_kernel = np.vdot(forward(x, kernel + toward_kernel) - forward(x, kernel - toward_kernel), dy) / 2
    dx = kernels.conv_backward_input(dy, kernel, input_shape=x.shape, **named)
    dk = kernels.conv_backward_kernel(x, dy, kernel_shape=kernel.shape, **named)
    np.testing.assert_allclose(np.vdot(dx, toward_x), slope_x, rtol=1e-9)
    np.testing.assert_allclose(np.vdot(dk, toward_kernel), slope_kernel, rtol=1e-9)


ACTIVATIONS = {
    "linear": lambda v: v,
    "relu": lambda v: np.maximum(v, 0),
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "tanh": np.tanh,
}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", ["3x3 same", "grouped", "pointwise", "no window fits"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_conv_adds_the_bias_and_applies_the_activation(kernels, activation, name, dtype):
    case = CASES[name]
    x, kernel = operands(case, dtype)
    bias = random(kernel.shape[-1], 3, dtype)
    linear = naive(case, x.astype("float64"), kernel.astype("float64"))[0]
    got = kernels.conv(x, kernel, bias, activation=activation, **attributes(case))
    check(got, ACTIVATIONS[activation](linear + bias.astype("float64")), dtype)


def test_a_conv_without_input_channels_is_the_activated_bias(kernels):
    bias = np.array([-1.0, 2.0])
    got = kernels.conv(
        np.ones((2, 3, 0)),
        np.ones((2, 0, 2)),
        bias,
        strides=(1,),
        padding=((0, 0),),
        dilation=(1,),
        groups=1,
        activation="relu",
    )
    np.testing.assert_array_equal(got, np.broadcast_to([0.0, 2.0], (2, 2, 2)))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_sigmoid_saturates_without_a_warning(kernels, dtype):
    x = np.array([-6e4, 0.0, 6e4], dtype).reshape(1, 3, 1)
    got = kernels.conv(
        x,
        np.ones((1, 1, 1), dtype),
        None,
        strides=(1,),
        padding=((0, 0),),
        dilation=(1,),
        groups=1,
        activation="sigmoid",
    )
    np.testing.assert_allclose(got.ravel(), [0, 0.5, 1], atol=1e-30)


@pytest.mark.parametrize("name", ["3x3 same", "grouped", "pointwise", "strided, uneven", "one channel"])
def test_non_contiguous_arrays_give_the_same_and_stay_unchanged(kernels, name):
    case = CASES[name]
    named = attributes(case)
    x, kernel = operands(case)
    y = kernels.conv(x, kernel, None, activation="linear", **named)
    dy = random(y.shape, 4)

    def strided(a):
        wide = np.zeros((*a.shape[:-1], a.shape[-1] * 2)).swapaxes(0, -1).copy().swapaxes(0, -1)
        view = wide[..., ::2]
        view[...] = a
        view.flags.writeable = False
        return view

    sx, sk, sdy = map(strided, (x, kernel, dy))
    np.testing.assert_allclose(kernels.conv(sx, sk, None, activation="linear", **named), y, rtol=1e-12, atol=1e-12)
    for got, expected in (
        (
            kernels.conv_backward_input(sdy, sk, input_shape=x.shape, **named),
            kernels.conv_backward_input(dy, kernel, input_shape=x.shape, **named),
        ),
        (
            kernels.conv_backward_kernel(sx, sdy, kernel_shape=kernel.shape, **named),
            kernels.conv_backward_kernel(x, dy, kernel_shape=kernel.shape, **named),
        ),
    ):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 2, 5), (0, 3), (1, 1), (5000, 2)])
def test_bias_activation_backward_is_the_slope_times_dy(kernels, activation, dtype, shape):
    pre, dy = random(shape, 1), random(shape, 2, dtype)
    y = ACTIVATIONS[activation](pre).astype(dtype)
    step = 1e-6
    slope = (ACTIVATIONS[activation](pre + step) - ACTIVATIONS[activation](pre - step)) / (2 * step)
    expected = dy.astype("float64") * slope
    dpre, dbias = kernels.bias_activation_backward(dy, y, activation=activation, bias=True)
    assert dpre.dtype == dbias.dtype == dtype
    tolerance = max(TOLERANCE[dtype], 1e-8)
    np.testing.assert_allclose(dpre.astype("float64"), expected, atol=tolerance)
    total = expected.reshape(-1, shape[-1]).sum(0)
    np.testing.assert_allclose(dbias.astype("float64"), total, rtol=tolerance, atol=10 * tolerance)


def test_bias_activation_backward_without_a_bias_gives_none(kernels):
    dy = random((2, 3), 1)
    dpre, dbias = kernels.bias_activation_backward(dy, dy, activation="linear", bias=False)
    assert dbias is None
    np.testing.assert_array_equal(dpre, dy)
