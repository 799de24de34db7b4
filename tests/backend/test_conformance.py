"""Every kernel of every backend, in every float dtype and odd shape, against NumPy in float64."""

import importlib

import numpy as np
import pytest

from kerasish import backend
from kerasish.backend.contract import FAMILIES
from tests.backend.kernel_cases import CASES, IN_PLACE, NUMPY, UP_TO_SIGN, Wide

TOLERANCE = {"float16": 1e-2, "float32": 2e-5, "float64": 1e-11}
SAMPLES = {"some samples": 3, "one sample": 1, "no samples": 0}


def strided(array):
    """The same values with gaps between them, and not in the order of the memory."""
    if array.ndim == 0:
        return array.copy()
    memory = np.zeros(tuple(2 * size for size in reversed(array.shape)), array.dtype)
    view = memory[(slice(None, None, 2),) * array.ndim].transpose()
    view[...] = array
    return view


def is_float(value):
    return isinstance(value, np.ndarray) and value.dtype == "float64"


def prepared(value, dtype, layout, writeable):
    if isinstance(value, Wide):
        return prepared(value.array, dtype if dtype in ("float32", "float64") else "float32", layout, writeable)
    if not isinstance(value, np.ndarray):
        return value
    array = value.astype(dtype) if is_float(value) else value.copy()
    array = layout(array)
    array.flags.writeable = writeable
    return array


def run(kernels, name, samples, dtype, layout, rounded=np.array):
    """The results of a call as a list; those of a kernel that works in place are its arguments."""
    given, attrs = CASES[name](samples)
    args = [prepared(rounded(value) if is_float(value) else value, dtype, layout, name in IN_PLACE) for value in given]
    results = getattr(kernels, name)(*args, **attrs)
    if name in IN_PLACE:
        assert results is None
        return args
    return list(results) if isinstance(results, (list, tuple)) else [results]


def test_every_kernel_of_the_contract_has_a_case():
    declared = set()
    for family in FAMILIES:
        declared |= set(backend.kernels_in(importlib.import_module(f"kerasish.backend.contract.{family}")))
    assert set(CASES) == declared


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided], ids=["contiguous", "strided"])
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", sorted(CASES))
def test_a_kernel_follows_numpy_in_float64(kernels, name, dtype, samples, layout):
    results = run(kernels, name, samples, dtype, layout)
    expected = run(NUMPY, name, samples, "float64", np.array)
    kinds = run(NUMPY, name, samples, dtype, np.array)
    if name == "nextafter":
        # One step is another number in each dtype.
        expected = kinds
    results = [result if result is None else NUMPY.asarray(kernels.to_numpy(result)) for result in results]
    follows(name, results, expected, [kind if kind is None else kind.dtype for kind in kinds], TOLERANCE[dtype])


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided], ids=["contiguous", "strided"])
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("name", [name for name in sorted(CASES) if any(map(is_float, CASES[name](1)[0]))])
def test_a_kernel_of_the_gpu_follows_numpy_in_bfloat16(cupy_kernels, name, samples, layout):
    bfloat16 = np.dtype(pytest.importorskip("ml_dtypes").bfloat16)
    results = run(cupy_kernels, name, samples, bfloat16, layout)
    if name == "nextafter":
        expected = run(NUMPY, name, samples, bfloat16, np.array)
    else:
        # The reference computes in float64 with the values that bfloat16 has.
        expected = run(NUMPY, name, samples, "float64", np.array, lambda x: x.astype(bfloat16).astype("float64"))
    follows(name, results, expected, kinds_in(bfloat16, name, samples), 4e-2)


def kinds_in(dtype, name, samples):
    """The dtypes of the results where the inputs have one that NumPy lacks: they follow it as they follow float16."""
    half, single = (run(NUMPY, name, samples, known, np.array) for known in ("float16", "float32"))
    return [
        None if a is None else dtype if (a.dtype, b.dtype) == ("float16", "float32") else a.dtype
        for a, b in zip(half, single, strict=True)
    ]


def follows(name, results, expected, kinds, tolerance):
    for got, wanted, kind in zip(results, expected, kinds, strict=True):
        if wanted is None:
            assert got is None
            continue
        got = np.asarray(got)
        assert got.dtype == kind
        assert got.shape == wanted.shape
        if got.dtype.itemsize == 2 and got.dtype.kind not in "iu":
            got, wanted = got.astype("float32"), wanted.astype("float32")
        if name in UP_TO_SIGN:
            got, wanted = abs(got), abs(wanted)
        if wanted.dtype.kind not in "fc":
            np.testing.assert_array_equal(got, wanted)
            continue
        scale = max(1.0, float(np.nan_to_num(abs(wanted), posinf=1.0).max(initial=0)))
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=scale * tolerance)
