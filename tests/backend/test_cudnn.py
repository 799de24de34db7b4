"""Convolutions and attention through cuDNN: what it computes, what it is not asked for, and what it refuses."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from kerasish import backend, config
from tests.backend.capturing import Graph
from tests.backend.conftest import EMULATED
from tests.backend.devices import to_device
from tests.backend.test_conformance import TOLERANCE as CONFORMANCE_TOLERANCE
from tests.backend.test_conformance import strided
from tests.backend.test_conformance import test_a_kernel_follows_numpy_in_float64 as follows_numpy
from tests.backend.test_cupy_attention import check as check_attention
from tests.backend.test_cupy_attention import inputs as attention_inputs
from tests.backend.test_cupy_conv import CASES, LINEAR, NUMPY, WIDE, attributes, check_all, close, each, exact, sample
from tests.emulator import cudnn as emulated

FORWARD, BACKWARD = "scaled_dot_product_attention", "scaled_dot_product_attention_backward"
CONVOLUTIONS = ("conv", "conv_backward_input", "conv_backward_kernel")
CROPPED = "cropped"
OURS = ("one input channel a group", "pointwise", CROPPED)
# Of a GPU, sums are in other orders and in other kernels.
emulated_only = pytest.mark.skipif(not EMULATED, reason="looks into the emulated library")


@pytest.fixture
def library(cupy_kernels, monkeypatch):
    """The module that knows cuDNN, switched on: emulated, or the real one on a GPU where it is installed."""
    from kerasish.backend.cupy import _cudnn

    monkeypatch.delenv("KERASISH_CUDNN", raising=False)
    if EMULATED:
        monkeypatch.setattr(_cudnn, "_import", lambda: emulated)
    elif find_spec("cudnn") is None:
        pytest.skip("needs cuDNN")
    monkeypatch.setattr(_cudnn, "plans", {})
    monkeypatch.setattr(_cudnn, "refusals", {})
    monkeypatch.setattr(_cudnn._Device, "_all", {})
    _cudnn._module.cache_clear()
    emulated.calls.clear()
    yield _cudnn
    _cudnn._module.cache_clear()


def planned(library):
    """What has a plan, by the names of the problems' kinds."""
    return sorted(problem.kind for problem, plan in library.plans.items() if plan is not None)


@each({name: case for name, case in (CASES | WIDE).items() if name not in OURS and min(map(min, case[3])) >= 0})
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_conv_and_its_gradients_follow_numpy(cupy_kernels, library, case, dtype):
    check_all(cupy_kernels, case, dtype)
    if EMULATED:
        assert planned(library) == ["forward", "input", "kernel"]
        assert not library.refusals


@each({name: CASES[name] for name in OURS})
def test_what_other_kernels_do_better_or_cudnn_cannot_is_not_asked_for(cupy_kernels, library, case):
    check_all(cupy_kernels, case, "float32")
    assert not library.plans


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided], ids=["contiguous", "strided"])
@pytest.mark.parametrize("samples", [3, 1, 0])
@pytest.mark.parametrize("dtype", CONFORMANCE_TOLERANCE)
@pytest.mark.parametrize("name", [*CONVOLUTIONS, FORWARD, BACKWARD])
def test_the_kernels_conform(cupy_kernels, library, name, dtype, samples, layout):
    follows_numpy(cupy_kernels, name, dtype, samples, layout)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_bias_and_activation_are_taken_after_it(cupy_kernels, library, activation, dtype):
    case = CASES["groups of odd channels"]
    x, kernel, bias = sample(case[0], dtype, 1), sample(case[1], dtype, 2), sample(case[1][-1], dtype, 3)
    named = {**attributes(case), "activation": activation}
    expected = NUMPY["conv"](exact(x), exact(kernel), exact(bias), **named)
    got = cupy_kernels.conv(x, kernel, bias, **named)
    tolerance = 2e-5 if dtype == "float32" else 3e-2
    np.testing.assert_allclose(got.astype("float64"), expected, rtol=tolerance, atol=tolerance)
    assert len(library.plans) == 1


def test_float64_is_computed_by_our_kernels(cupy_kernels, library):
    check_all(cupy_kernels, CASES["groups"], "float64")
    assert not library.plans


@emulated_only
def test_float32_is_multiplied_in_full_unless_tf32_is_enabled(cupy_kernels, library):
    case = CASES["several tiles"]
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    expected = NUMPY["conv"](exact(x), exact(kernel), None, **attributes(case), **LINEAR)

    def error():
        return abs(cupy_kernels.conv(x, kernel, None, **attributes(case), **LINEAR) - expected).max()

    assert error() < 1e-4
    before = config.tf32_enabled()
    config.enable_tf32(True)
    try:
        assert error() > 1e-3
    finally:
        config.enable_tf32(before)
    assert error() < 1e-4
    assert len(library.plans) == 2


# Filters with one output lie as cuDNN reads them, and are not copied for that.
ONE_OUTPUT = ((2, 6, 7, 8), (3, 3, 8, 1), (1, 1), ((1, 1), (0, 1)), (1, 1), 1)


@each({name: CASES[name] for name in ("several tiles", "1-d", "groups")} | {"one output": ONE_OUTPUT})
def test_arrays_that_are_not_aligned_give_the_same(cupy_kernels, library, case):
    import cupy

    def shifted(array):
        memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
        return memory[1:].reshape(array.shape)

    named, raw = attributes(case), backend.kernels_of("cupy")
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    y = NUMPY["conv"](x, kernel, None, **named, **LINEAR)
    close(cupy.asnumpy(raw["conv"](shifted(x), shifted(kernel), None, **named, **LINEAR)), y, "float32")
    dy = sample(y.shape, "float32", 3)
    dx = NUMPY["conv_backward_input"](dy, kernel, input_shape=x.shape, **named)
    got = raw["conv_backward_input"](shifted(dy), shifted(kernel), input_shape=x.shape, **named)
    close(cupy.asnumpy(got), dx, "float32")
    dkernel = NUMPY["conv_backward_kernel"](x, dy, kernel_shape=kernel.shape, **named)
    got = raw["conv_backward_kernel"](shifted(x), shifted(dy), kernel_shape=kernel.shape, **named)
    np.testing.assert_allclose(cupy.asnumpy(got), dkernel, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "sizes",
    [
        {"time": 5, "source": 9, "depth": 8, "width": 16},
        {"time": 9, "source": 5, "batch": 2, "heads": 6, "key_heads": 2, "depth": 64, "width": 64},
        {"time": 1, "source": 7, "heads": 3, "key_heads": 3, "depth": 128, "width": 128},
    ],
    ids=["few sources", "groups of heads", "one query"],
)
def test_attention_and_its_gradients_follow_numpy(cupy_kernels, library, sizes, dtype, causal):
    check_attention(cupy_kernels, dtype, causal=causal, **sizes)
    if EMULATED:
        assert planned(library) == ["backward", "forward"]


@emulated_only
def test_what_cudnn_refuses_is_computed_by_our_kernels_and_asked_for_once(cupy_kernels, library, monkeypatch):
    """The pass forward may be cuDNN's and the gradients ours: both keep the same statistics."""
    for _ in range(2):
        check_attention(cupy_kernels, "float16", causal=True, time=4, source=4, depth=136, width=136)
    assert planned(library) == ["forward"]
    assert [problem.kind for problem in library.refusals] == ["backward"]
    assert "wider than 128" in next(iter(library.refusals.values()))
    assert emulated.calls["pygraph"] == 2
    assert emulated.calls["execute sdpa"] == 2
    with pytest.raises(ValueError, match=r"no plan for this problem \(the gradients of heads wider.*Received: Attent"):
        library._planned(next(iter(library.refusals)))


@emulated_only
@pytest.mark.parametrize("error", [emulated.cudnnGraphNotSupportedError, RuntimeError, ValueError])
def test_a_convolution_without_a_plan_is_computed_by_our_kernels(cupy_kernels, library, monkeypatch, error):
    def refuse(graph):
        raise error("not this one")

    monkeypatch.setattr(emulated.pygraph, "check_support", refuse)
    check_all(cupy_kernels, CASES["groups"], "float16")
    assert set(library.refusals.values()) == {"not this one"}
    assert len(library.refusals) == 3
    assert not any(name.startswith("execute") for name in emulated.calls)


@pytest.mark.parametrize(
    ("dtype", "mask", "depth"), [("float32", None, 16), ("float16", "sources", 16), ("float16", "bias", 16)]
)
def test_attention_with_a_mask_or_in_float32_is_computed_by_our_kernels(cupy_kernels, library, dtype, mask, depth):
    check_attention(cupy_kernels, dtype, mask, time=6, source=7, depth=depth, width=16)
    assert not library.plans


def test_heads_of_odd_sizes_and_empty_axes_are_left_to_our_kernels(cupy_kernels, library):
    check_attention(cupy_kernels, "float16", time=6, source=7, depth=12, width=16)
    check_attention(cupy_kernels, "float16", time=6, source=7, depth=16, width=20)
    check_attention(cupy_kernels, "float16", time=0, source=7, depth=16, width=16)
    assert not library.plans


def test_a_convolution_is_replayed_from_a_graph_on_new_values(cupy_kernels, library):
    raw, case = backend.kernels_of("cupy"), CASES["groups"]
    named = attributes(case)
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    y = NUMPY["conv"](x, kernel, None, **named, **LINEAR)
    dy = sample(y.shape, "float32", 3)
    arrays = [to_device(array) for array in (x, kernel, dy)]

    def step():
        x, kernel, dy = arrays
        return (
            raw["conv"](x, kernel, None, **named, **LINEAR),
            raw["conv_backward_input"](dy, kernel, input_shape=x.shape, **named),
            raw["conv_backward_kernel"](x, dy, kernel_shape=kernel.shape, **named),
        )

    graph = Graph(step)
    for factor in (1, -2):
        arrays[0][...] = to_device(x * np.float32(factor))
        got = graph.replay()
        np.testing.assert_allclose(got[0], factor * y, rtol=1e-4, atol=1e-4)
        dx = NUMPY["conv_backward_input"](dy, kernel, input_shape=x.shape, **named)
        np.testing.assert_allclose(got[1], dx, rtol=1e-4, atol=1e-4)
        dkernel = NUMPY["conv_backward_kernel"](x, dy, kernel_shape=kernel.shape, **named)
        np.testing.assert_allclose(got[2], factor * dkernel, rtol=1e-3, atol=1e-3)
    if EMULATED:
        assert planned(library) == ["forward", "input", "kernel"]


def test_attention_is_replayed_from_a_graph_on_new_values(cupy_kernels, library):
    raw = backend.kernels_of("cupy")
    q, k, v, dy = attention_inputs("float16", time=6, source=6, depth=16, width=16)
    arrays = [to_device(array) for array in (q, k, v, dy)]
    named = {"scale": 0.25, "causal": True}

    def step():
        out, logsumexp = raw[FORWARD](*arrays[:3], None, **named)
        return out, *raw[BACKWARD](arrays[3], *arrays[:3], None, out, logsumexp, **named)

    graph = Graph(step)
    for factor in (1, -2):
        arrays[2][...] = to_device((v * factor).astype("float16"))
        out, logsumexp = NUMPY[FORWARD](exact(q), exact(k), exact(v) * factor, None, **named)
        gradients = NUMPY[BACKWARD](exact(dy), exact(q), exact(k), exact(v) * factor, None, out, logsumexp, **named)
        for got, expected in zip(graph.replay(), (out, *gradients)):
            np.testing.assert_allclose(got.astype("float64"), expected, rtol=0, atol=5e-3 * abs(expected).max())
    if EMULATED:
        assert planned(library) == ["backward", "forward"]


@emulated_only
def test_a_device_has_one_handle_whose_stream_is_the_current_one(cupy_kernels, library):
    import cupy

    case, raw = CASES["several tiles"], backend.kernels_of("cupy")
    x, kernel = (to_device(sample(shape, "float32", 1)) for shape in case[:2])
    stream = cupy.cuda.Stream(non_blocking=True)
    for _ in range(2):
        raw["conv"](x, kernel, None, **attributes(case), **LINEAR)
    handle = next(iter(library._Device._all.values())).handle
    assert handle.stream == cupy.cuda.get_current_stream().ptr
    with stream:
        raw["conv"](x, kernel, None, **attributes(case), **LINEAR)
        assert handle.stream == stream.ptr
    stream.synchronize()
    assert emulated.calls["create_handle"] == 1
    assert emulated.calls["build conv_fprop"] == 1
    assert emulated.calls["execute conv_fprop"] == 3


def test_kept_plans_are_bounded(cupy_kernels, library, monkeypatch):
    monkeypatch.setattr(library, "_MANY_PLANS", 2)
    case = CASES["several tiles"]
    kernel = sample(case[1], "float32", 2)
    for batch in range(1, 5):
        cupy_kernels.conv(sample((batch, *case[0][1:]), "float32", 1), kernel, None, **attributes(case), **LINEAR)
        assert 1 <= len(library.plans) <= 2


@pytest.mark.parametrize("value", ["0", "off", ""])
def test_the_environment_switches_it_off(cupy_kernels, library, monkeypatch, value):
    assert library.available()
    library._module.cache_clear()
    monkeypatch.setenv("KERASISH_CUDNN", value)
    assert not library.available()
    check_all(cupy_kernels, CASES["groups"], "float16")
    check_attention(cupy_kernels, "float16", time=3, source=3, depth=8, width=8)
    assert not library.plans
    assert not emulated.calls


@pytest.mark.skipif(find_spec("cudnn") is not None, reason="looks at an environment without cuDNN")
def test_without_the_package_nothing_is_used_and_nothing_imported(cupy_kernels, monkeypatch):
    from kerasish.backend.cupy import _cudnn

    monkeypatch.delenv("KERASISH_CUDNN", raising=False)
    monkeypatch.setattr(_cudnn, "plans", {})
    _cudnn._module.cache_clear()
    check_all(cupy_kernels, CASES["groups"], "float16")
    check_attention(cupy_kernels, "float16", time=3, source=3, depth=8, width=8)
    assert not _cudnn.available()
    assert not _cudnn.plans
    assert "cudnn" not in sys.modules


@emulated_only
def test_a_package_without_its_library_is_reported_and_not_used(cupy_kernels, monkeypatch, tmp_path):
    from kerasish.backend.cupy import _cudnn

    (tmp_path / "cudnn.py").write_text("def backend_version():\n    raise RuntimeError('no libcudnn')\n")
    monkeypatch.syspath_prepend(os.fspath(tmp_path))
    monkeypatch.delitem(sys.modules, "cudnn", raising=False)
    monkeypatch.delenv("KERASISH_CUDNN", raising=False)
    importlib.invalidate_caches()
    _cudnn._module.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match=r"kerasish\[cudnn\].*Received: no libcudnn"):
            assert not _cudnn.available()
        assert not _cudnn.available()
    finally:
        _cudnn._module.cache_clear()
        sys.modules.pop("cudnn", None)


def _problems(library):
    # Sizes of the images, of the results and of the kernel, strides, padding, dilation.
    geometry = ((9, 8), (5, 8), (3, 3), (2, 1), ((1, 1), (2, 0)), (1, 1))
    for kind, operation in (("forward", "conv_fprop"), ("input", "conv_dgrad"), ("kernel", "conv_wgrad")):
        yield library.Convolution(kind, "float16", 2, 16, 8, 2, *geometry, tf32=False, device=0), operation
    for kind, operation in (("forward", "sdpa"), ("backward", "sdpa_backward")):
        yield library.Attention(kind, "bfloat16", 2, 5, 6, 4, 2, 16, 8, 0.5, True, 0), operation


@pytest.mark.skipif(find_spec("cudnn") is None, reason="compares with nvidia-cudnn-frontend")
def test_the_real_package_has_the_names_and_parameters_that_are_used():
    """It describes graphs without a GPU and without its library."""
    cudnn = importlib.import_module("cudnn")
    _cudnn = importlib.import_module("kerasish.backend.cupy._cudnn")

    for enum in ("data_type", "heur_mode", "numerical_note"):
        for member in getattr(emulated, enum):
            assert hasattr(getattr(cudnn, enum), member.name)
    assert issubclass(cudnn.cudnnGraphNotSupportedError, Exception)
    for name in ("backend_version", "create_handle", "set_stream"):
        assert callable(getattr(cudnn, name))
    assert list(inspect.signature(cudnn.set_stream).parameters) == ["handle", "stream"]
    for name, method in vars(emulated.pygraph).items():
        if not callable(method) or (name.startswith("_") and name != "__init__") or re.match("conv_|sdpa", name):
            continue
        real = inspect.signature(getattr(cudnn.pygraph, name)).parameters
        for parameter in inspect.signature(method).parameters.values():
            assert parameter.name in real, (name, parameter)
    for problem, operation in _problems(_cudnn):
        ours = set(inspect.signature(getattr(emulated.pygraph, operation)).parameters) - {"self"}
        documented = getattr(cudnn._pybind_module.backend_graph, operation).__doc__
        for name in ours:
            assert re.search(rf"\b{name}: ", documented), (operation, name)
        graph, stand_in = (_cudnn.describe(module, problem, None) for module in (cudnn, emulated))
        node = graph.nodes[0]
        assert len(graph.nodes) == 1
        assert set(node.inputs) == set(stand_in.operation.inputs)
        assert set(node.params) <= ours
        for uid, tensor in stand_in.tensors.items():
            other = graph.find_tensor(uid)
            assert other.get_dim() == tensor.dim
            assert other.get_stride() == tensor.stride
            assert other.get_data_type().name == tensor.data_type.name
            assert tensor.output != other.get_is_virtual() or not tensor.output
