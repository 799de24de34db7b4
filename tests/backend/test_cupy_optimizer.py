"""The optimizer kernels of the GPU in every dtype and at any alignment, with hyperparameters on the device."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kerasish import backend
from tests.backend.optimizer_rules import ADAM, CASES, RATE, u_product

NUMPY = backend.kernels_of("numpy")
FLOATS = ["float32", "float64", "float16", ml_dtypes.bfloat16]
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-14, "bfloat16": 2e-2}
# Less than one pack; packs of each dtype in more than one block, and a rest.
SIZES = [3, 2563]


def problem(case, dtype, size, seed=0):
    """The buffers of a kernel in the middle of a training, and its hyperparameters."""
    name, _, initial, attrs = CASES[case]
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=size), rng.normal(size=size)]
    # Averages of squares are larger than the square of the average.
    arrays += [None if slot is None else rng.uniform(0.1, 0.2, size) + 0.5 * (i == 0) for i, slot in enumerate(initial)]
    arrays = [a if a is None else a.astype(dtype) for a in arrays]
    attrs = dict(attrs)
    if name in ("adam_update", "adamax_update", "nadam_update"):
        attrs["step"] = 3
    if name == "nadam_update":
        attrs["u_product"] = u_product(3, attrs["beta_1"])
    return name, arrays, attrs


def as_single(arrays):
    return [a if a is None else a.astype("float64" if a.dtype == "float64" else "float32") for a in arrays]


def compare(got, wanted, dtype):
    tolerance = TOLERANCE[np.dtype(dtype).name]
    for one, other in zip(got, wanted, strict=True):
        if other is None:
            assert one is None
            continue
        assert one.dtype == np.dtype(dtype)
        np.testing.assert_allclose(one.astype("float64"), other.astype("float64"), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", CASES)
def test_an_update_follows_the_reference_in_every_dtype_and_length(cupy_kernels, case, dtype, size):
    name, arrays, attrs = problem(case, dtype, size)
    expected = as_single(arrays)
    NUMPY[name](*expected, **attrs)
    getattr(cupy_kernels, name)(*arrays, **attrs)
    kept = arrays.pop(1), expected.pop(1)
    compare(arrays, expected, dtype)
    np.testing.assert_array_equal(kept[0].astype(kept[1].dtype), kept[1])


@pytest.mark.parametrize("case", ["sgd momentum", "amsgrad", "rmsprop both", "ftrl"])
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("offsets", [(1, 1), (5, 5), (1, 2), (0, 3)], ids=str)
def test_stretches_that_begin_anywhere_are_updated_and_nothing_beside_them(cupy_kernels, case, dtype, offsets):
    import cupy

    name, arrays, attrs = problem(case, dtype, 300)
    expected = as_single(arrays)
    NUMPY[name](*expected, **attrs)
    whole, views = [], []
    for i, array in enumerate(arrays):
        if array is None:
            whole.append(None)
            views.append(None)
            continue
        offset = offsets[i % 2]
        memory = np.full(320, 7, array.dtype)
        memory[offset : offset + 300] = array
        whole.append(cupy.asarray(memory))
        views.append(whole[-1][offset : offset + 300])
    getattr(cupy_kernels, name)(*views, **attrs)
    compare([v if v is None else cupy.asnumpy(v) for v in views], expected, dtype)
    for i, memory in enumerate(whole):
        if memory is not None:
            host, offset = cupy.asnumpy(memory), offsets[i % 2]
            assert (host[:offset] == 7).all()
            assert (host[offset + 300 :] == 7).all()


@pytest.mark.parametrize("wrap", ["float32", "float64", "int32", "int64", "float16"])
def test_every_hyperparameter_may_be_on_the_device(cupy_kernels, wrap):
    for case in CASES:
        name, arrays, attrs = problem(case, "float64", 9)
        values = {k: v if isinstance(v, bool) else np.asarray(np.ceil(v), wrap) for k, v in attrs.items()}
        if "step" not in attrs:
            values = {k: v if isinstance(v, bool) else np.asarray(v * 2, wrap) for k, v in values.items()}
        else:
            # Rates of decay of 1 divide by zero.
            values |= {k: np.asarray(0, wrap) for k in ("beta_1", "beta_2", "u_product") if k in values}
        expected = [a if a is None else a.copy() for a in arrays]
        NUMPY[name](*expected, **{k: v if isinstance(v, bool) else float(v) for k, v in values.items()})
        getattr(cupy_kernels, name)(*arrays, **values)
        compare(arrays, expected, "float64")


def test_a_step_on_the_device_counts_as_far_as_one_on_the_host(cupy_kernels):
    step = 2**40 + 1
    results = []
    for value in (step, np.asarray(step), np.asarray(step, "float64")):
        arrays = [np.linspace(1, 2, 5) for _ in range(4)]
        cupy_kernels.adam_update(*arrays, None, **(ADAM | {"beta_2": 1 - 1e-12}), step=value)
        results.append(arrays)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("dtype", ["float16", ml_dtypes.bfloat16])
def test_a_gradient_in_single_precision_keeps_its_digits_in_half_precision(cupy_kernels, dtype):
    param, slot = np.zeros(19, dtype), np.zeros(19, dtype)
    # Too small and too fine for float16 before it is scaled by the learning rate.
    grad = np.full(19, 2.0**-26 * 1.5, "float32")
    cupy_kernels.sgd_update(param, grad, slot, learning_rate=2.0**24, momentum=0.5, nesterov=False)
    np.testing.assert_array_equal(param.astype("float32"), np.float32(-0.375))
    np.testing.assert_array_equal(slot.astype("float32"), np.float32(-0.375))


@pytest.mark.parametrize("given", ["float16", "float64", ml_dtypes.bfloat16])
def test_gradients_of_other_dtypes_are_taken(cupy_kernels, given):
    param = np.ones(9, "float32")
    cupy_kernels.sgd_update(param, np.full(9, 0.5, given), None, learning_rate=RATE, momentum=0.0, nesterov=False)
    np.testing.assert_allclose(param, 1 - 0.5 * RATE, rtol=1e-6)
    cupy_kernels.accumulate(param, np.full(9, 0.25, given))
    np.testing.assert_allclose(param, 1.25 - 0.5 * RATE, rtol=1e-6)


def test_slots_in_single_precision_serve_parameters_in_half_precision(cupy_kernels):
    param, m = np.zeros(5, "float16"), np.full(5, 2.0**-27, "float32")
    cupy_kernels.sgd_update(param, np.zeros(5, "float16"), m, learning_rate=0.1, momentum=0.5, nesterov=False)
    np.testing.assert_array_equal(m, np.float32(2.0**-28))


def test_counters_are_accumulated_as_integers(cupy_kernels):
    counter = np.array([2**53 + 1])
    cupy_kernels.accumulate(counter, np.ones(1, "int64"))
    assert counter.tolist() == [2**53 + 2]


@pytest.mark.parametrize("dtype", FLOATS)
def test_buffers_are_decayed_averaged_scaled_and_clipped(cupy_kernels, dtype):
    x, other = (np.random.default_rng(seed).normal(size=77).astype(dtype) for seed in (0, 1))
    calls = [
        ("weight_decay_update", (), {"rate": 0.125}),
        ("ema_update", (other,), {"momentum": 0.75}),
        ("accumulate", (other,), {}),
        ("scale", (), {"factor": np.asarray(1.5, "float32")}),
        ("clip_values", (), {"limit": np.asarray(0.75)}),
    ]
    for name, more, attrs in calls:
        got = x.copy()
        getattr(cupy_kernels, name)(got, *more, **attrs)
        wanted = as_single([x])[0]
        NUMPY[name](wanted, *as_single(more), **attrs)
        compare([got], [wanted], dtype)


def test_nan_survives_maxima_signs_and_bounds(cupy_kernels):
    nan = np.full(3, np.nan, "float32")
    for name, slots in (("adamax_update", 2), ("adam_update", 3)):
        arrays = [np.ones(3, "float32"), nan.copy(), *[np.ones(3, "float32") for _ in range(slots)]]
        getattr(cupy_kernels, name)(*arrays, **ADAM, step=1)
        assert np.isnan([a for a in arrays if a is not None]).all()
    param, m = np.ones(3, "float32"), np.ones(3, "float32")
    cupy_kernels.lion_update(param, nan, m, learning_rate=0.1, beta_1=0.9, beta_2=0.9)
    assert np.isnan(param).all()
    x = np.array([np.nan, np.inf, -np.inf, 0.5], "float32")
    cupy_kernels.clip_values(x, limit=2.0)
    np.testing.assert_array_equal(x, [np.nan, 2, -2, 0.5])


def test_a_factor_that_is_not_finite_spoils_the_whole_buffer(cupy_kernels):
    x = np.ones(21, "float32")
    cupy_kernels.scale(x, factor=np.asarray(np.nan, "float32"))
    assert np.isnan(x).all()


def test_buffers_longer_than_a_launch_are_swept_to_the_end(cupy_kernels, monkeypatch):
    from kerasish.backend.cupy import optimizer

    monkeypatch.setattr(optimizer, "_MOST_BLOCKS", 2)
    x = np.arange(5003, dtype="float32")
    cupy_kernels.scale(x, factor=2.0)
    np.testing.assert_array_equal(x, 2 * np.arange(5003))


@pytest.mark.parametrize("dtype", [*FLOATS, "int32"])
@pytest.mark.parametrize("offset", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 2, 9, 3000, 40_001])
def test_sums_of_squares_are_accurate_wherever_the_array_begins(cupy_kernels, dtype, offset, size):
    import cupy

    x = (np.random.default_rng(1).normal(size=size + offset) * 9).astype(dtype)
    total = cupy_kernels.sum_squares(cupy.asarray(x)[offset:])
    np.testing.assert_allclose(total, np.sum(x[offset:].astype("float64") ** 2), rtol=2e-7)


def test_a_sum_of_squares_repeats_and_stays_accurate_for_long_arrays(cupy_kernels):
    x = np.full(1_000_000, 0.1, "float32")
    totals = {float(cupy_kernels.sum_squares(x)) for _ in range(2)}
    assert len(totals) == 1
    np.testing.assert_allclose(totals.pop(), 1e6 * float(np.float32(0.1)) ** 2, rtol=2e-7)
