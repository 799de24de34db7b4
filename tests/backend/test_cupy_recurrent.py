"""Recurrent networks by steps and by whole sequences, against NumPy in float64."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kerasish.backend.numpy import recurrent as reference
from tests.backend.test_recurrent import CASES, attributes, make_inputs

DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}
TOLERANCE = {"float16": 4e-3, "bfloat16": 4e-2, "float32": 1e-5, "float64": 1e-12}


@pytest.fixture(params=["steps", "sequence"])
def path(request, cupy_kernels, monkeypatch):
    """Which kernels are used: those for one step, or those for a whole sequence."""
    from kerasish.backend.cupy import recurrent

    limit = 0 if request.param == "steps" else 1 << 20
    monkeypatch.setattr(recurrent, "_largest_shared_memory", lambda device: limit)
    used = []
    for name in ("_STEP", "_SEQUENCE", "_STEP_BACK", "_SEQUENCE_BACK"):
        kernel = getattr(recurrent, name)

        def launch(*args, kernel=kernel, name=name, **kwargs):
            used.append(name)
            kernel(*args, **kwargs)

        monkeypatch.setattr(recurrent, name, launch)
    yield request.param
    if used:
        assert all((request.param == "steps") == name.startswith("_STEP") for name in used)


def rounded(arrays, dtype):
    """The inputs in a dtype, and their values in float64."""
    given = [a if a is None or a.dtype == bool else a.astype(DTYPES[dtype]) for a in arrays]
    return given, [a if a is None or a.dtype == bool else a.astype("float64") for a in given]


def check(kernels, kernel, dtype, inputs, attrs, missing=()):
    given, wide = rounded(inputs, dtype)
    results, expected = getattr(kernels, kernel)(*given, **attrs), getattr(reference, kernel)(*wide, **attrs)
    mask = given[-1]
    valid = None if mask is None else (mask[:, ::-1] if attrs["reverse"] else mask)
    tolerance = TOLERANCE[dtype]
    for number, (got, wanted) in enumerate(zip(results, expected, strict=True)):
        assert got.dtype == DTYPES[dtype]
        assert got.shape == wanted.shape
        got = got.astype("float64")
        if valid is not None and got.ndim == 3 and number >= 3:
            # Gates have no meaning at masked steps.
            got, wanted = got[valid], wanted[valid]
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)
    rng = np.random.default_rng(5)
    count = 3 if kernel == "lstm" else 2
    upstream = [None if i in missing else rng.normal(size=r.shape) for i, r in enumerate(results[:count])]
    upstream, wide_upstream = rounded(upstream, dtype)
    backward = kernel + "_backward"
    got = getattr(kernels, backward)(*upstream, *given, *results, **attrs)
    wanted = getattr(reference, backward)(*wide_upstream, *wide, *expected, **attrs)
    for a, b in zip(got, wanted, strict=True):
        if b is None:
            assert a is None
            continue
        assert a.dtype == DTYPES[dtype]
        assert a.shape == b.shape
        size = max(1.0, abs(b).max(initial=0))
        np.testing.assert_allclose(a.astype("float64"), b, rtol=0, atol=4 * tolerance * size)


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
@pytest.mark.parametrize("dtype", list(DTYPES))
def test_every_dtype_follows_numpy(cupy_kernels, path, kernel, reset_after, dtype):
    inputs = make_inputs(kernel, reset_after, n=3, t=3, mask="scattered")
    check(cupy_kernels, kernel, dtype, inputs, attributes(kernel, reset_after))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
@pytest.mark.parametrize(
    ("mask", "reverse", "zero"),
    [("none", True, False), ("leading", False, False), ("leading", True, True), ("all", True, False)],
)
def test_masks_and_directions_follow_numpy(cupy_kernels, path, kernel, reset_after, mask, reverse, zero):
    inputs = make_inputs(kernel, reset_after, n=5, t=4, mask=mask)
    check(cupy_kernels, kernel, "float64", inputs, attributes(kernel, reset_after, reverse=reverse, zero=zero))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
def test_more_columns_than_a_warp_and_several_blocks_follow_numpy(cupy_kernels, path, kernel, reset_after):
    inputs = make_inputs(kernel, reset_after, n=9, t=3, d=5, u=43)
    inputs[-4 if kernel == "lstm" else -3] *= 0.2
    check(cupy_kernels, kernel, "float64", inputs, attributes(kernel, reset_after))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
@pytest.mark.parametrize(("activation", "recurrent"), [("relu", "hard_sigmoid"), ("linear", "tanh")])
def test_activations_follow_numpy(cupy_kernels, path, kernel, reset_after, activation, recurrent):
    inputs = make_inputs(kernel, reset_after, n=2, t=3)
    check(cupy_kernels, kernel, "float64", inputs, attributes(kernel, reset_after, activation, recurrent))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
def test_missing_bias_and_gradients_count_as_zero(cupy_kernels, path, kernel, reset_after):
    inputs = make_inputs(kernel, reset_after, n=2, t=3, bias=False, mask="scattered")
    check(cupy_kernels, kernel, "float32", inputs, attributes(kernel, reset_after), missing=(0,))
    check(cupy_kernels, kernel, "float32", inputs, attributes(kernel, reset_after), missing=(1, 2))


@pytest.mark.parametrize(("kernel", "reset_after"), CASES)
def test_a_mask_of_numbers_counts_as_booleans(cupy_kernels, path, kernel, reset_after):
    inputs = make_inputs(kernel, reset_after, n=2, t=3, mask="scattered")
    attrs = attributes(kernel, reset_after)
    results = getattr(cupy_kernels, kernel)(*inputs, **attrs)
    inputs[-1] = inputs[-1].astype("int32")
    for one, other in zip(results, getattr(cupy_kernels, kernel)(*inputs, **attrs)):
        np.testing.assert_array_equal(one, other)


def test_a_kernel_too_large_for_a_block_is_taken_by_steps(cupy_kernels):
    inputs = make_inputs("simple_rnn", None, n=1, t=2, d=2, u=520)
    inputs[3] *= 0.05
    check(cupy_kernels, "simple_rnn", "float64", inputs, attributes("simple_rnn", None))


def test_the_last_states_are_arrays_of_their_own_for_sequences_without_steps(cupy_kernels):
    inputs = make_inputs("lstm", None, n=2, t=0, d=2, u=2)
    _, h, c, *_ = cupy_kernels.lstm(*inputs, **attributes("lstm", None))
    np.testing.assert_array_equal(h, inputs[1])
    np.testing.assert_array_equal(c, inputs[2])
