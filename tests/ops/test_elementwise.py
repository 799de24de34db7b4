import math

import numpy as np
import pytest

from kerasish import ops
from tests.support import check_gradients, check_symbolic

RNG = np.random.default_rng(0)

# Name -> (the same function in NumPy, lowest, highest).
SMOOTH = {
    "negative": (np.negative, -2, 2),
    "absolute": (np.abs, 0.2, 2),
    "abs": (np.abs, -2, -0.2),
    "fabs": (np.abs, 0.2, 2),
    "square": (np.square, -2, 2),
    "conj": (np.conj, -2, 2),
    "conjugate": (np.conj, -2, 2),
    "exp": (np.exp, -2, 2),
    "exp2": (np.exp2, -2, 2),
    "expm1": (np.expm1, -2, 2),
    "log": (np.log, 0.3, 3),
    "log1p": (np.log1p, -0.5, 3),
    "log2": (np.log2, 0.3, 3),
    "log10": (np.log10, 0.3, 3),
    "sqrt": (np.sqrt, 0.3, 3),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 0.3, 3),
    "cbrt": (np.cbrt, -3, -0.3),
    "reciprocal": (lambda x: 1 / x, 0.4, 3),
    "sin": (np.sin, -2, 2),
    "cos": (np.cos, -2, 2),
    "tan": (np.tan, -1, 1),
    "arcsin": (np.arcsin, -0.8, 0.8),
    "arccos": (np.arccos, -0.8, 0.8),
    "arctan": (np.arctan, -2, 2),
    "sinh": (np.sinh, -2, 2),
    "cosh": (np.cosh, -2, 2),
    "tanh": (np.tanh, -2, 2),
    "arcsinh": (np.arcsinh, -2, 2),
    "arccosh": (np.arccosh, 1.3, 3),
    "arctanh": (np.arctanh, -0.8, 0.8),
    "deg2rad": (np.deg2rad, -90, 90),
    "rad2deg": (np.rad2deg, -2, 2),
    "sinc": (np.sinc, 0.1, 2),
    "nan_to_num": (np.nan_to_num, -2, 2),
}
STEPS = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc, "round": np.round, "sign": np.sign}
KEEPS_INTEGERS = ("negative", "absolute", "abs", "square", "conj", "conjugate", "sign", "round", "trunc")


@pytest.mark.parametrize("name", SMOOTH)
def test_values_gradients_and_symbols(name):
    reference, low, high = SMOOTH[name]
    x = RNG.uniform(low, high, (3, 4))
    np.testing.assert_allclose(getattr(ops, name)(x).numpy(), reference(x), 1e-12, 1e-15)
    check_gradients(getattr(ops, name), [x])
    check_symbolic(getattr(ops, name), [x])


@pytest.mark.parametrize("name", STEPS)
def test_a_step_has_values_and_no_gradient(name):
    from kerasish.autodiff import GradientTape, convert_to_tensor

    x = RNG.uniform(-2, 2, (3, 4))
    function = getattr(ops, name)
    np.testing.assert_array_equal(function(x).numpy(), STEPS[name](x))
    check_symbolic(function, [x])
    source = convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(source)
        y = function(source)
    assert tape.gradient(y, source) is None


@pytest.mark.parametrize("name", [*SMOOTH, *STEPS])
def test_dtypes(name):
    function = getattr(ops, name)
    for dtype in ("float16", "float32", "float64"):
        assert function(np.full((2,), 1.5 if name == "arccosh" else 0.5, dtype)).dtype == dtype
    if name == "nan_to_num":
        return
    whole = function(np.ones((2,), "int64"))
    assert whole.dtype == ("int64" if name in KEEPS_INTEGERS else "float32")


def test_round_takes_decimals():
    np.testing.assert_allclose(ops.round([1.246, -0.5], 2).numpy(), [1.25, -0.5])
    np.testing.assert_array_equal(ops.round([123, 167], -1).numpy(), [120, 170])


def test_nan_to_num_replaces_what_is_not_finite():
    x = [1.0, math.nan, math.inf, -math.inf]
    assert ops.nan_to_num(x, 2.0, 3.0, 4.0).tolist() == [1.0, 2.0, 3.0, 4.0]
    assert np.isfinite(ops.nan_to_num(x).numpy()).all()


def test_sinc_is_smooth_at_zero():
    from kerasish.autodiff import GradientTape, convert_to_tensor

    x = convert_to_tensor(np.zeros(2))
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.sinc(x)
        slope = inner.gradient(y, x)
    assert y.tolist() == [1.0, 1.0]
    assert slope.tolist() == [0.0, 0.0]
    np.testing.assert_allclose(outer.gradient(slope, x).numpy(), -(math.pi**2) / 3)
