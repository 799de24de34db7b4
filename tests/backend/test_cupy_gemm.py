"""Products through cuBLASLt: on a GPU, or with the library of the emulator."""

import ctypes
import sys

import numpy as np
import pytest

from kerasish.backend.cupy._gemm_layout import analyse, broadcast_lead
from tests.backend.conftest import EMULATED

ml_dtypes = pytest.importorskip("ml_dtypes")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]
TOLERANCE = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-6, "float64": 1e-14}
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def cp(cupy_kernels):
    import cupy

    return cupy


@pytest.fixture
def gemm(cp):
    from kerasish.backend.cupy._gemm import gemm

    return gemm


@pytest.fixture
def fake(gemm):
    """The emulator's library, with no plan made yet."""
    if not EMULATED:
        pytest.skip("counts the calls of the emulated library")
    from kerasish.backend.cupy import _gemm
    from tests.emulator.cublaslt import LIBRARY

    _gemm.plans.clear()
    LIBRARY.calls.clear()
    LIBRARY.refusals.clear()
    yield LIBRARY
    # What was planned for a library that lacks something is not for the others.
    _gemm.plans.clear()


def plain(cp, values):
    return cp.asarray(values)


def transposed(cp, values):
    return cp.asarray(np.ascontiguousarray(values.swapaxes(-1, -2))).swapaxes(-1, -2)


def rows_apart(cp, values):
    memory = cp.full((*values.shape[:-1], values.shape[-1] + 3), np.nan, values.dtype)
    view = memory[..., 1:-2]
    view[...] = cp.asarray(values)
    return view


def columns_apart(cp, values):
    return rows_apart(cp, np.ascontiguousarray(values.swapaxes(-1, -2))).swapaxes(-1, -2)


def gaps(cp, values):
    memory = cp.full((*values.shape[:-1], 2 * values.shape[-1]), np.nan, values.dtype)
    memory[..., ::2] = cp.asarray(values)
    return memory[..., ::2]


def backwards(cp, values):
    return cp.asarray(values[..., ::-1, :].copy())[..., ::-1, :]


def off_by_one(cp, values):
    memory = cp.empty(values.size + 1, values.dtype)
    memory[1:] = cp.asarray(values.ravel())
    return memory[1:].reshape(values.shape)


LAYOUTS = [plain, transposed, rows_apart, columns_apart, gaps, backwards, off_by_one]
WITHOUT_COPIES = [plain, transposed, rows_apart, columns_apart, off_by_one]


def drawn(rng, shape, dtype):
    return rng.normal(size=shape).astype(dtype)


def product(a, b):
    return a.astype(float) @ b.astype(float)


def close(got, expected, dtype):
    assert got.dtype == dtype
    assert got.shape == expected.shape
    scale = max(1.0, abs(expected).max(initial=0))
    tolerance = TOLERANCE[dtype.name]
    np.testing.assert_allclose(got.get().astype(float), expected, rtol=tolerance, atol=scale * tolerance)


@pytest.mark.parametrize("layout_a", LAYOUTS)
@pytest.mark.parametrize("layout_b", LAYOUTS)
@pytest.mark.parametrize("lead", [(), (3,)])
def test_operands_may_lie_in_memory_in_any_way(gemm, cp, rng, layout_a, layout_b, lead):
    a, b = drawn(rng, (*lead, 5, 7), np.float32), drawn(rng, (*lead, 7, 4), np.float32)
    close(gemm(layout_a(cp, a), layout_b(cp, b)), product(a, b), a.dtype)


@pytest.mark.parametrize("layout_a", WITHOUT_COPIES)
@pytest.mark.parametrize("layout_b", WITHOUT_COPIES)
@pytest.mark.parametrize("lead", [(), (3,), (2, 3)])
def test_matrices_with_gaps_between_rows_and_transposed_ones_are_not_copied(
    gemm, fake, cp, rng, layout_a, layout_b, lead
):
    from tests.emulator import standin

    a = layout_a(cp, drawn(rng, (*lead, 5, 7), np.float32))
    b = layout_b(cp, drawn(rng, (*lead, 7, 4), np.float32))
    gemm(a, b)
    before = standin.work_log.snapshot()
    gemm(a, b)
    after = standin.work_log.snapshot()
    assert after["operations"] - before["operations"] == 1
    assert after["kernel_launches"] == before["kernel_launches"]
    assert after["device_to_device"] == before["device_to_device"]


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 5, 1), (5, 1, 1), (1, 1, 5), (1, 5, 4), (5, 4, 1), (4, 1, 5)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("lead", [(), (1,), (3,)])
def test_single_rows_and_columns_are_matrices(gemm, cp, rng, sizes, layout, lead):
    m, k, n = sizes
    a, b = drawn(rng, (*lead, m, k), np.float32), drawn(rng, (*lead, k, n), np.float32)
    close(gemm(layout(cp, a), layout(cp, b)), product(a, b), a.dtype)
    close(gemm(layout(cp, a), plain(cp, b[0] if lead else b)), product(a, b[0] if lead else b), a.dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    ("lead_a", "lead_b"),
    [
        ((4,), ()),
        ((), (4,)),
        ((2, 3), ()),
        ((2, 3), (2, 3)),
        ((2, 1), (3,)),
        ((2, 3), (3,)),
        ((2, 3), (2, 1)),
        ((1, 3), (2, 1)),
        ((11, 9), (9,)),
        ((11, 9), (11, 1)),
        ((1, 9), (11, 1)),
        ((2, 1, 3), (4, 1)),
    ],
)
@pytest.mark.parametrize("layout", [plain, transposed])
def test_leading_axes_broadcast(gemm, cp, rng, dtype, lead_a, lead_b, layout):
    a, b = drawn(rng, (*lead_a, 3, 6), dtype), drawn(rng, (*lead_b, 6, 5), dtype)
    close(gemm(layout(cp, a), layout(cp, b)), product(a, b), dtype)


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("shared", [True, False])
def test_batches_may_have_gaps_between_their_matrices_and_run_backwards(gemm, cp, rng, rows, shared):
    a, b = drawn(rng, (4, rows, 6), np.float32), drawn(rng, (6, 3) if shared else (4, 6, 3), np.float32)
    memory = cp.full((4, rows + 2, 3), 7, np.float32)
    gemm(cp.asarray(a), cp.asarray(b), out=memory[:, 1:-1])
    close(memory[:, 1:-1], product(a, b), a.dtype)
    assert (memory.get()[:, (0, -1)] == 7).all()
    spaced = cp.zeros((4, rows + 2, 6), np.float32)[:, 1:-1]
    spaced[...] = cp.asarray(a)
    close(gemm(spaced, cp.asarray(b)), product(a, b), a.dtype)
    close(gemm(cp.asarray(a)[::-1], cp.asarray(b)), product(a[::-1], b), a.dtype)
    gemm(cp.asarray(a), cp.asarray(b), out=memory[::-1, 1:-1])
    close(memory[::-1, 1:-1], product(a, b), a.dtype)


def test_matrices_in_backward_order_are_to_be_copied():
    layout = analyse(((4, 5, 3), (4, 3, 2), (4, 5, 2)), ((-15, 3, 1), (6, 2, 1), (10, 2, 1)))
    assert layout.copies == (True, False, False)


@pytest.mark.parametrize("batch", [2, 10])
@pytest.mark.parametrize("heads", [3, 9])
def test_heads_that_stand_beside_each_other_are_multiplied(gemm, cp, rng, batch, heads):
    q, k = drawn(rng, (batch, 4, heads, 6), np.float32), drawn(rng, (batch, 5, heads, 6), np.float32)
    expected = np.einsum("bthd,bshd->bhts", q.astype(float), k.astype(float))
    device_q, device_k = cp.asarray(q), cp.asarray(k)
    close(gemm(device_q.transpose(0, 2, 1, 3), device_k.transpose(0, 2, 3, 1)), expected, q.dtype)
    out = cp.empty((batch, 4, heads, 5), np.float32)
    gemm(device_q.transpose(0, 2, 1, 3), device_k.transpose(0, 2, 3, 1), out=out.transpose(0, 2, 1, 3))
    close(out.transpose(0, 2, 1, 3), expected, q.dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("shapes", [((5, 7), (7, 8)), ((2, 3, 7), (7, 5)), ((3, 2, 7), (3, 7, 16)), ((300, 3), (3, 1))])
def test_the_bias_runs_along_the_columns_and_the_activation_comes_last(
    gemm, cp, rng, dtype, activation, with_bias, shapes
):
    a, b = (drawn(rng, shape, dtype) for shape in shapes)
    bias = drawn(rng, b.shape[-1:], dtype) if with_bias else None
    y = gemm(cp.asarray(a), cp.asarray(b), bias=None if bias is None else cp.asarray(bias), activation=activation)
    z = product(a, b) + (bias.astype(float) if with_bias else 0)
    close(y, ACTIVATIONS[activation](z), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_library_with_epilogues_in_every_dtype_gives_the_same(gemm, fake, cp, rng, dtype, monkeypatch):
    monkeypatch.setattr(fake, "double_epilogues", True)
    a, b, bias = (drawn(rng, shape, dtype) for shape in ((6, 5), (5, 3), (3,)))
    y = gemm(cp.asarray(a), cp.asarray(b), bias=cp.asarray(bias), activation="relu")
    close(y, np.maximum(product(a, b) + bias.astype(float), 0), dtype)


@pytest.mark.parametrize("layout", [plain, rows_apart, columns_apart, off_by_one])
def test_what_the_library_does_not_take_as_it_lies_is_copied(gemm, fake, cp, rng, layout, monkeypatch):
    monkeypatch.setattr(fake, "only_aligned", True)
    a, b, c = (drawn(rng, (*lead, 8, 8), np.float32) for lead in ((3,), (), (3,)))
    out = layout(cp, c)
    y = gemm(layout(cp, a), layout(cp, b), out=out, beta=1.0, activation="relu")
    assert y is out
    close(out, np.maximum(product(a, b) + c, 0), a.dtype)
    with pytest.raises(RuntimeError, match="CUBLAS_STATUS_NOT_SUPPORTED"):
        gemm(cp.ones((3, 3), np.float32), cp.ones((3, 3), np.float32))


@pytest.mark.parametrize("wanted", [BFLOAT16, np.dtype(np.float32)], ids=str)
def test_half_precision_that_a_device_lacks_is_multiplied_in_float32(gemm, fake, cp, rng, wanted, monkeypatch):
    from tests.emulator import cublaslt

    known = {types for types in cublaslt.COMBINATIONS if cublaslt.CUDA_R_16BF not in types}
    monkeypatch.setattr(cublaslt, "COMBINATIONS", known)
    a, b, bias = (drawn(rng, shape, BFLOAT16) for shape in ((4, 6), (6, 5), (5,)))
    y = gemm(cp.asarray(a), cp.asarray(b), bias=cp.asarray(bias), activation="tanh", dtype=wanted)
    close(y, np.tanh(product(a, b) + bias.astype(float)), wanted)


@pytest.mark.parametrize("place", [plain, rows_apart, gaps, transposed, off_by_one])
@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("beta", [0.0, 1.0, -0.5])
@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_the_result_goes_into_out_and_beta_keeps_what_is_there(gemm, cp, rng, place, lead, beta, activation):
    a, b, c = (drawn(rng, (*lead, *shape), np.float64) for shape in ((4, 6), (6, 5), (4, 5)))
    if beta == 0:
        c[...] = np.nan
    bias = drawn(rng, (5,), np.float64)
    out = place(cp, c)
    around = None if out.base is None else out.base.get().copy()
    result = gemm(
        cp.asarray(a), cp.asarray(b), out=out, bias=cp.asarray(bias), alpha=0.25, beta=beta, activation=activation
    )
    assert result is out
    kept = beta * c if beta else 0
    close(out, ACTIVATIONS[activation](0.25 * product(a, b) + kept + bias), np.dtype(np.float64))
    if around is not None and place is rows_apart:
        np.testing.assert_array_equal(out.base.get()[..., 0], around[..., 0])
        np.testing.assert_array_equal(out.base.get()[..., -2:], around[..., -2:])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_result_may_have_another_dtype(gemm, cp, rng, dtype):
    a, b, bias = (drawn(rng, shape, dtype) for shape in ((4, 6), (6, 5), (5,)))
    expected = np.maximum(product(a, b) + bias.astype(float), 0)
    for wanted in DTYPES:
        y = gemm(cp.asarray(a), cp.asarray(b), bias=cp.asarray(bias), activation="relu", dtype=wanted)
        assert y.dtype == wanted
        tolerance = max(TOLERANCE[wanted.name], 2e-6 if dtype.itemsize < 8 else 0)
        np.testing.assert_allclose(y.get().astype(float), expected, rtol=tolerance, atol=8 * tolerance)
        out = cp.zeros((4, 5), wanted)
        assert gemm(cp.asarray(a), cp.asarray(b), out=out, beta=1.0) is out
        np.testing.assert_allclose(out.get().astype(float), product(a, b), rtol=tolerance, atol=8 * tolerance)


def test_operands_of_different_dtypes_meet_in_the_wider_one(gemm, cp, rng):
    a, b = drawn(rng, (4, 6), np.float16), drawn(rng, (6, 5), np.float32)
    close(gemm(cp.asarray(a), cp.asarray(b)), product(a, b), np.dtype(np.float32))
    half, brain = drawn(rng, (4, 6), np.float16), drawn(rng, (6, 5), BFLOAT16)
    close(gemm(cp.asarray(half), cp.asarray(brain)), product(half, brain), np.dtype(np.float32))


def test_without_out_there_is_nothing_that_beta_could_keep(gemm, cp):
    for sizes in ((2, 3), (2, 0)):
        y = gemm(cp.ones(sizes, np.float32), cp.ones(sizes[::-1], np.float32), beta=1.0)
        np.testing.assert_array_equal(y.get(), np.full((2, 2), sizes[1]))
    q = cp.ones((2, 3, 2, 4), np.float32).transpose(0, 2, 1, 3)
    np.testing.assert_array_equal(gemm(q, q.swapaxes(-1, -2), beta=1.0).get(), np.full((2, 2, 3, 3), 4))


def test_half_precision_sums_in_float32(gemm, cp):
    ones = cp.full((1, 4096), 1, np.float16)
    terms = cp.full((4096, 1), 1.25, np.float16)
    # In float16 the sum would stop growing at 4096.
    assert float(gemm(ones, terms)[0, 0].get()) == 5120


@pytest.mark.parametrize("shapes", [((0, 3), (3, 4)), ((3, 0), (0, 4)), ((3, 4), (4, 0)), ((0, 2, 3), (3, 4)),
                                    ((2, 3, 0), (0, 4)), ((2, 0, 3), (2, 3, 4))])  # fmt: skip
@pytest.mark.parametrize("activation", ["linear", "sigmoid"])
def test_products_without_terms_are_zero_and_those_without_elements_empty(gemm, cp, rng, shapes, activation):
    a, b = (drawn(rng, shape, np.float32) for shape in shapes)
    bias = drawn(rng, b.shape[-1:], np.float32)
    y = gemm(cp.asarray(a), cp.asarray(b), bias=cp.asarray(bias), activation=activation)
    expected = ACTIVATIONS[activation](product(a, b) + bias)
    close(y, expected, np.dtype(np.float32))
    out = rows_apart(cp, np.full(expected.shape, 2, np.float32))
    gemm(cp.asarray(a), cp.asarray(b), out=out, beta=3.0)
    close(out, product(a, b) + 6, np.dtype(np.float32))


def test_nan_and_infinity_pass_through_relu(gemm, cp):
    a = cp.asarray(np.array([[np.nan], [np.inf], [-np.inf], [-0.5]], np.float32))
    y = gemm(a, cp.ones((1, 1), np.float32), activation="relu")
    np.testing.assert_array_equal(y.get()[:, 0], [np.nan, np.inf, 0, 0])


def test_products_can_be_captured_and_follow_their_operands(gemm, cp, rng):
    a, b = cp.asarray(drawn(rng, (2, 4, 8), np.float32)), cp.asarray(drawn(rng, (8, 64), np.float32))
    total = cp.zeros((2, 4, 64), np.float32)
    biases = [cp.asarray(drawn(rng, (64,), np.float32)) for _ in range(2)]
    pool, stream = cp.cuda.MemoryPool(), cp.cuda.Stream(non_blocking=True)

    def step():
        # The same plan with one bias and then another.
        results = [gemm(a, b, bias=bias, activation="relu") for bias in biases]
        results.append(gemm(results[0], b.T, alpha=0.5, activation="tanh"))
        gemm(a, b, out=total, beta=1.0)
        return results

    cp.cuda.get_current_stream().synchronize()
    with cp.cuda.using_allocator(pool.malloc), stream:
        step()
        stream.begin_capture()
        try:
            results = step()
        finally:
            graph = stream.end_capture()
    for _ in range(2):
        a[...] = cp.asarray(drawn(rng, (2, 4, 8), np.float32))
        total[...] = 1
        cp.cuda.get_current_stream().synchronize()
        graph.launch(stream)
        graph.launch(stream)
        stream.synchronize()
        for result, bias in zip(results, biases, strict=False):
            close(result, np.maximum(product(a.get(), b.get()) + bias.get(), 0), np.dtype(np.float32))
        close(results[2], np.tanh(product(results[0].get(), b.get().T) / 2), np.dtype(np.float32))
        close(total, 1 + 2 * product(a.get(), b.get()), np.dtype(np.float32))


def test_a_plan_is_made_once_for_a_layout_and_serves_all_of_its_calls(gemm, fake, cp, rng):
    for number in range(5):
        a, b = drawn(rng, (4, 6), np.float32), drawn(rng, (6, 5), np.float32)
        bias = drawn(rng, (5,), np.float32)
        y = gemm(cp.asarray(a), cp.asarray(b), bias=cp.asarray(bias), alpha=number)
        close(y, number * product(a, b) + bias, a.dtype)
    assert fake.calls["cublasLtMatmulAlgoGetHeuristic"] == 1
    assert fake.calls["cublasLtMatmul"] == 5
    gemm(cp.asarray(a), cp.asarray(b), activation="relu")
    gemm(cp.asarray(a.T.copy()).T, cp.asarray(b))
    gemm(off_by_one(cp, a), cp.asarray(b))
    assert fake.calls["cublasLtMatmulAlgoGetHeuristic"] == 4
    assert fake.refusals == []


def test_plans_that_are_dropped_leave_no_descriptor_behind(gemm, fake, cp):
    from kerasish.backend.cupy import _gemm

    for size in range(1, 5):
        gemm(cp.ones((size, 2), np.float64), cp.ones((2, 3), np.float64), bias=cp.ones(3), activation="relu")
    assert fake.objects["Desc"] == 4
    assert fake.objects["Layout"] == 12
    _gemm.plans.clear()
    assert fake.objects["Desc"] == fake.objects["Layout"] == fake.objects["Preference"] == 0


def test_the_number_of_plans_is_bounded(gemm, fake, cp, monkeypatch):
    from kerasish.backend.cupy import _gemm

    monkeypatch.setattr(_gemm, "_MANY_PLANS", 3)
    for size in range(1, 9):
        gemm(cp.ones((size, 2), np.float32), cp.ones((2, 3), np.float32))
    assert len(_gemm.plans) <= 3


def test_tf32_is_used_only_when_it_is_enabled(gemm, fake, cp):
    from kerasish import config

    a, b = cp.full((1, 1), 1 + 2**-13, np.float32), cp.ones((1, 1), np.float32)
    assert float(gemm(a, b)[0, 0].get()) == 1 + 2**-13
    config.enable_tf32()
    try:
        assert config.tf32_enabled()
        assert float(gemm(a, b)[0, 0].get()) == 1
        assert float(gemm(a.astype(np.float64), b.astype(np.float64))[0, 0].get()) == 1 + 2**-13
    finally:
        config.enable_tf32(False)
    assert float(gemm(a, b)[0, 0].get()) == 1 + 2**-13


def test_a_bias_at_an_odd_address_or_with_gaps_is_used(gemm, cp, rng):
    a, b, bias = (drawn(rng, shape, np.float32) for shape in ((4, 6), (6, 5), (5,)))
    for layout in (off_by_one, gaps):
        y = gemm(cp.asarray(a), cp.asarray(b), bias=layout(cp, bias), activation="relu")
        close(y, np.maximum(product(a, b) + bias, 0), a.dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(3, 5), (3, 64), (2, 3, 24), (1, 2000), (700, 8)])
@pytest.mark.parametrize("layout", [plain, rows_apart, off_by_one])
def test_the_kernel_of_the_epilogue_works_in_place_on_rows(cp, rng, dtype, shape, layout):
    from kerasish.backend.cupy._epilogue import finish

    values, bias = drawn(rng, shape, dtype), drawn(rng, shape[-1:], dtype)
    for activation, function in ACTIVATIONS.items():
        y = layout(cp, values)
        finish(y, cp.asarray(bias), activation)
        close(y, function(values.astype(float) + bias.astype(float)), dtype)
        if layout is rows_apart:
            assert np.isnan(y.base.get()[..., 0].astype(float)).all()
            assert np.isnan(y.base.get()[..., -2:].astype(float)).all()


def test_the_last_columns_of_aligned_rows_are_not_forgotten(cp, rng):
    from kerasish.backend.cupy._epilogue import finish

    values = drawn(rng, (6, 5), np.float32)
    memory = cp.full((6, 8), 9, np.float32)
    memory[:, :5] = cp.asarray(values)
    finish(memory[:, :5], None, "tanh")
    close(memory[:, :5], np.tanh(values), values.dtype)
    assert (memory.get()[:, 5:] == 9).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": (5, 4)}, "shapes"),
        ({"b": (6,)}, "shapes"),
        ({"a": (2, 4, 6), "b": (3, 6, 5)}, "broadcast"),
        ({"out": (5, 4)}, "out"),
        ({"bias": (4,)}, "bias"),
        ({"activation": "gelu"}, "activation"),
    ],
)
def test_operands_that_do_not_fit_are_refused_by_name(gemm, cp, change, message):
    shapes = {"a": (4, 6), "b": (6, 5)} | {name: value for name, value in change.items() if name != "activation"}
    arrays = {name: cp.ones(shape, np.float32) for name, shape in shapes.items()}
    given = {"activation": change["activation"]} if "activation" in change else {}
    with pytest.raises(ValueError, match=rf"{message}.*Received"):
        gemm(arrays.pop("a"), arrays.pop("b"), **arrays, **given)


def test_integers_are_not_multiplied_by_the_library(gemm, cp):
    with pytest.raises(ValueError, match=r"Received: a\.dtype=int32"):
        gemm(cp.ones((2, 2), np.int32), cp.ones((2, 2), np.int32))


@pytest.mark.skipif(EMULATED, reason="the emulator takes the place of the library")
def test_without_the_library_the_package_to_install_is_named(monkeypatch):
    from kerasish.backend.cupy import _cublaslt

    def missing(name, *args, **kwargs):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    with pytest.raises(ImportError, match=r"nvidia-cublas.*kerasish\[cuda13\].*Received"):
        _cublaslt.load_library()


def test_a_status_of_the_library_is_told_by_its_name(gemm, fake, cp, monkeypatch):
    from kerasish.backend.cupy import _cublaslt

    a = cp.ones((2, 2), np.float32)
    gemm(a, a)
    monkeypatch.setattr("tests.emulator.cublaslt._check_problem", refuse)
    with pytest.raises(_cublaslt.CublasLtError, match=r"cublasLtMatmul failed.*CUBLAS_STATUS_NOT_SUPPORTED \(15\)"):
        gemm(a, a)
    with pytest.raises(_cublaslt.NotSupportedError, match="cublasLtMatmulAlgoGetHeuristic"):
        gemm(a, a.T)


def refuse(*args):
    from tests.emulator.cublaslt import NOT_SUPPORTED, Refusal

    raise Refusal(NOT_SUPPORTED, "on purpose")


def multiplied(a, b, out, layout):
    """What the library would compute from a layout: each operand is read from its memory by its numbers alone."""

    def read(x, operand, rows, columns):
        steps = (1, operand.leading) if operand.transposed else (operand.leading, 1)
        strides = tuple(x.itemsize * step for step in (operand.batch_stride, *steps))
        return np.lib.stride_tricks.as_strided(x, (layout.batch, rows, columns), strides)

    target = read(out, layout.out, layout.m, layout.n)
    target[...] = read(a, layout.a, layout.m, layout.k) @ read(b, layout.b, layout.k, layout.n)


@pytest.mark.parametrize("lead_a", [(), (2,), (3, 2), (1, 2), (3, 1)])
@pytest.mark.parametrize("lead_b", [(), (2,), (3, 2), (1, 2), (3, 1)])
@pytest.mark.parametrize("m", [1, 4])
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("flip", [(False, False), (False, True), (True, False), (True, True)])
def test_a_layout_describes_the_product_or_asks_for_copies(rng, lead_a, lead_b, m, n, flip):
    a, b = rng.normal(size=(*lead_a, m, 3)), rng.normal(size=(*lead_b, 3, n))
    if flip[0]:
        a = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
    if flip[1]:
        b = np.ascontiguousarray(b.swapaxes(-1, -2)).swapaxes(-1, -2)
    lead = broadcast_lead(a.shape, b.shape)
    assert lead == np.broadcast_shapes(lead_a, lead_b)
    out = np.empty((*lead, m, n))
    arrays = (a, b, out)
    layout = analyse(tuple(x.shape for x in arrays), tuple(tuple(s // 8 for s in x.strides) for x in arrays))
    if layout.scattered:
        assert len(lead) == 2
        assert any(layout.copies)
        return
    assert not any(layout.copies)
    multiplied(a, b, out, layout)
    np.testing.assert_allclose(out, a @ b)


def test_rows_of_a_batch_with_one_second_operand_become_one_matrix():
    layout = analyse(((4, 5, 3), (3, 2), (4, 5, 2)), ((15, 3, 1), (2, 1), (10, 2, 1)))
    assert (layout.batch, layout.m) == (1, 20)


def test_a_batch_that_shares_an_operand_has_a_batch_stride_of_zero():
    layout = analyse(((5, 3), (4, 3, 2), (4, 5, 2)), ((3, 1), (6, 2, 1), (10, 2, 1)))
    assert layout.batch == 4
    assert (layout.a.batch_stride, layout.b.batch_stride, layout.out.batch_stride) == (0, 6, 10)
