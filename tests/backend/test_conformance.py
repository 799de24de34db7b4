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


def prepared(value, dtype, layout, writeable):
    if isinstance(value, Wide):
        return prepared(value.array, "float32" if dtype == "float16" else dtype, layout, writeable)
    if not isinstance(value, np.ndarray):
        return value
    array = value.astype(dtype) if value.dtype == "float64" else value.copy()
    array = layout(array)
    array.flags.writeable = writeable
    return array


def run(kernels, name, samples, dtype, layout):
    """The results of a call as a list; those of a kernel that works in place are its arguments."""
    given, attrs = CASES[name](samples)
    args = [prepared(value, dtype, layout, name in IN_PLACE) for value in given]
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
    for got, wanted, kind in zip(results, expected, kinds, strict=True):
        if wanted is None:
            assert got is None
            continue
        got = NUMPY.asarray(kernels.to_numpy(got))
        assert got.dtype == kind.dtype
        assert got.shape == wanted.shape
        if name == "nextafter":
            # One step is another number in each dtype.
            wanted = kind
        if name in UP_TO_SIGN:
            got, wanted = abs(got), abs(wanted)
        if wanted.dtype.kind not in "fc":
            np.testing.assert_array_equal(got, wanted)
            continue
        if dtype == "float16":
            got, wanted = got.astype("float32"), wanted.astype("float32")
        scale = max(1.0, float(np.nan_to_num(abs(wanted), posinf=1.0).max(initial=0)))
        np.testing.assert_allclose(got, wanted, rtol=TOLERANCE[dtype], atol=scale * TOLERANCE[dtype])
