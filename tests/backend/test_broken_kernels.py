"""The checks see what they are for: kernels that are broken by one token fail them, and the same kernels unbroken pass.

The text of a kernel is edited, compiled for the emulated GPU and called as it always is.
"""

import faulthandler
import os
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from tests.backend.conftest import EMULATED, _kernels
from tests.backend.kernel_cases import NUMPY, floats

pytestmark = pytest.mark.skipif(
    not EMULATED,
    reason="a GPU may not survive a broken kernel; needs the emulated one: KERASISH_TEST_DEVICE=emulated",
)


def follows(name, *args, dtype="float32", **attrs):
    """A check: the kernel gives what NumPy gives in float64."""

    def check(kernels):
        given = [_as(value, dtype) for value in args]
        results = getattr(kernels, name)(*given, **attrs)
        wide = [_as(value, "float64") for value in args]
        expected = getattr(NUMPY, name)(*wide, **attrs)
        if results is None:
            results, expected = given, wide
        pairs = zip(results, expected, strict=True) if isinstance(results, (tuple, list)) else [(results, expected)]
        for got, wanted in pairs:
            if wanted is not None:
                np.testing.assert_allclose(got, wanted, rtol=2e-4, atol=2e-4)

    return check


def _as(value, dtype):
    is_float = isinstance(value, np.ndarray) and value.dtype == np.float64
    return value.astype(dtype) if is_float else value


def softmax_of(*shape, axis=-1):
    return follows("softmax", floats(*shape), axis=axis)


CONV = {"strides": (1, 2), "padding": ((1, 1), (1, 0)), "dilation": (1, 1), "groups": 1}
CONVOLUTION = follows("conv", floats(2, 5, 7, 16), floats(3, 2, 16, 8, seed=1), floats(8), **CONV, activation="linear")
KEY_HEADS = [floats(2, 70, 2, 4, seed=seed) for seed in (1, 2)]
ATTENTION = follows("scaled_dot_product_attention", floats(2, 66, 4, 4), *KEY_HEADS, None, scale=0.5, causal=False)
ADAM = {"learning_rate": 0.1, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.01, "step": 3}
MOMENTS = [floats(1003, low=0.1, high=1, seed=seed) for seed in (2, 3)]
UPDATE = follows("adam_update", floats(1003), floats(1003, seed=1), *MOMENTS, None, **ADAM)
LAYER_NORM = follows("layer_norm", floats(5, 1000), floats(1000), floats(1000, seed=1), axes=(1,), epsilon=0.01)
BATCH_NORM = follows("batch_norm", floats(50, 12), floats(12), floats(12, seed=1), axis=1, epsilon=0.01)
BIAS_GRADIENT = follows(
    "bias_activation_backward", floats(700, 8), floats(700, 8, low=0.1, high=0.9), activation="relu", bias=True
)
CLASSES = np.array([0, 3, 5, 6, 1], "int32")
SPARSE_LOSS = follows("sparse_categorical_crossentropy", CLASSES, floats(5, 7), from_logits=True)
PICKED = follows("gather", floats(6, 5), np.array([5, -1, 0, 3], "int32"))


class Edit(NamedTuple):
    """What is broken: in all texts that these calls compile, `old` is there so many times and becomes `new`."""

    file: str
    old: str
    new: str
    check: Callable[..., None]
    times: int = 1


EDITS = {
    "a reduction in a warp leaves out the farthest lanes": Edit(
        "softmax.cu", "int offset = size >> 1;", "int offset = size >> 2;", softmax_of(5, 40)
    ),
    "a reduction in a block without its first barrier": Edit(
        "softmax.cu",
        "partial[linear >> 5] = value;\n    }\n    __syncthreads();",
        "partial[linear >> 5] = value;\n    }",
        softmax_of(3, 3000),
    ),
    "packs that are not aligned": Edit(
        "softmax.cu",
        "return begin + static_cast<int64>((16 - (address & 15)) & 15) / static_cast<int64>(sizeof(T));",
        "return begin;",
        softmax_of(3, 101),
    ),
    "a row whose last elements are taken for a whole pack": Edit(
        "softmax.cu", "(end - head) / N * N;", "(end - head + N - 1) / N * N;", softmax_of(3, 101)
    ),
    "the stride of an axis inside": Edit(
        "softmax.cu", "position / inner * count * inner", "position / inner * count", softmax_of(2, 5, 40, axis=1), 2
    ),
    "a missing bounds check": Edit(
        "softmax.cu", "if (position >= outer * inner) {", "if (position >= 256) {", softmax_of(1, 3, 240, axis=1), 2
    ),
    "moments that swap their rates": Edit(
        "optimizer.cu",
        "c[1] = 1.0 - b1, c[2] = 1.0 - b2, c[3] = h[3];",
        "c[1] = 1.0 - b2, c[2] = 1.0 - b1, c[3] = h[3];",
        UPDATE,
    ),
    "constants that are read before they are there": Edit(
        "optimizer.cu",
        "        }\n    }\n    __syncthreads();\n    Wide<T> c[6];",
        "        }\n    }\n    Wide<T> c[6];",
        UPDATE,
    ),
    "a sweep that skips the elements after the last pack": Edit(
        "optimizer.cu",
        "single < head + count - tail; single += stride) {\n        const int64 i",
        "single < head; single += stride) {\n        const int64 i",
        UPDATE,
    ),
    "a mean over one element less": Edit(
        "normalization.cu",
        "W(1) / static_cast<W>(max(count, int64(1)))",
        "W(1) / static_cast<W>(count - 1)",
        LAYER_NORM,
        2,
    ),
    "a tree of sums without the barrier between its levels": Edit(
        "batch_norm.cu",
        "            }\n        }\n        __syncthreads();\n    }\n#pragma unroll\n    for (int j = 0; j < V; ++j) {\n"
        "        values[j] = tile",
        "            }\n        }\n    }\n#pragma unroll\n    for (int j = 0; j < V; ++j) {\n        values[j] = tile",
        BATCH_NORM,
    ),
    "a partial result laid out by chunk and column": Edit(
        "bias.cu",
        "parts[int64(blockIdx.y) * columns + column + i]",
        "parts[int64(blockIdx.y) + column + i]",
        BIAS_GRADIENT,
    ),
    "tiles of attention without their second barrier": Edit(
        "attention.cu",
        "        __syncthreads();\n        add_outer_products(c, left, right);",
        "        add_outer_products(c, left, right);",
        ATTENTION,
    ),
    "heads and positions in the wrong order": Edit(
        "attention.cu",
        "((static_cast<int64>(b) * source + s) * groups + group) * columns",
        "((static_cast<int64>(b) * groups + group) * source + s) * columns",
        ATTENTION,
    ),
    "keys past the end of the last tile": Edit(
        "attention.cu", "if (t >= time || s >= source) {", "if (t >= time || s > source) {", ATTENTION
    ),
    "patches with height and width swapped": Edit(
        "implicit_gemm.cu",
        "((image[i] + pd) * lh.bound + ph) * lw.bound + pw;",
        "((image[i] + pd) * lw.bound + pw) * lh.bound + ph;",
        CONVOLUTION,
    ),
    "a tile that is read before everyone has filled it": Edit(
        "implicit_gemm.cu",
        "// Also: everyone is through with the buffer that is filled next.\n        __syncthreads();",
        "",
        CONVOLUTION,
    ),
    "padding that is not checked": Edit(
        "implicit_gemm.cu",
        "inside(ph, lh.bound) && inside(pw, lw.bound);\n                const int place = ((image[i]",
        "inside(ph, lh.bound);\n                const int place = ((image[i]",
        CONVOLUTION,
    ),
    "a negative index that counts from one too far": Edit(
        "embedding.cu", "index += index < 0 ? rows : 0;", "index += index < 0 ? rows - 1 : 0;", PICKED
    ),
    "a loss at the class beside the target": Edit(
        "crossentropy.cu", "-log_probability(wide(row[target]))", "-log_probability(wide(row[target / 2]))", SPARSE_LOSS
    ),
}


@pytest.fixture
def compiled_from(monkeypatch):
    """A function that makes the kernels of one file those of another text."""
    from kerasish.backend.cupy import _launch
    from tests.emulator import module

    whole = _launch.source

    def use(file, text):
        monkeypatch.setattr(_launch, "source", lambda asked: text if asked == file else whole(asked))
        # What is called alone, not everything that is declared of a template.
        monkeypatch.setattr(module, "_kernels_of", lambda code: {})
        for kernel in _launch.REGISTRY:
            if kernel.file == file:
                monkeypatch.setattr(kernel, "_functions", {})

    use.whole = whole
    use.kernels = _kernels("cupy")
    return use


def _in_a_child(check, kernels):
    """How a check ends in a copy of this process, whose memory a broken kernel may spoil: "passed", or what failed."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # The other thread of this process, which waits for the next test, is none of the child's business.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        faulthandler.disable()
        try:
            check(kernels)
            told = "passed"
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writing, told.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    return told or f"the process ended with status {status}"


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_kernel_broken_by_one_token_fails_its_check(compiled_from, edit):
    text = compiled_from.whole(edit.file)
    assert text.count(edit.old) == edit.times
    compiled_from(edit.file, text)
    assert _in_a_child(edit.check, compiled_from.kernels) == "passed"
    compiled_from(edit.file, text.replace(edit.old, edit.new))
    told = _in_a_child(edit.check, compiled_from.kernels)
    expected = ("AssertionError", "EmulatorError", "EmulatedMemoryError", "RuntimeError", "the process ended")
    assert told.startswith(expected)
    assert "host compiler refuses" not in told


def test_the_edits_break_many_files_in_many_ways():
    assert len({edit.file for edit in EDITS.values()}) >= 8
    assert all(edit.old != edit.new for edit in EDITS.values())
