import numpy as np
import pytest

from kerasish import ops
from tests.support import check_gradients, check_symbolic

M = np.random.default_rng(0).normal(size=(3, 4))
V = M[0].copy()
JOINS = [
    (lambda a, b: ops.concatenate([a, b], 0), lambda a, b: np.concatenate([a, b]), [M, M * 2]),
    (lambda a, b: ops.concatenate([a, b], -1), lambda a, b: np.concatenate([a, b], -1), [M, M[:, :1].copy()]),
    (lambda a, b: ops.stack([a, b]), lambda a, b: np.stack([a, b]), [M, M * 2]),
    (lambda a, b: ops.stack([a, b], -1), lambda a, b: np.stack([a, b], -1), [M, M * 2]),
    (ops.append, np.append, [M, V]),
    (lambda a, b: ops.append(a, b, 1), lambda a, b: np.append(a, b, 1), [M, M]),
    (lambda a, b: ops.hstack([a, b]), lambda a, b: np.hstack([a, b]), [V, V]),
    (lambda a, b: ops.hstack([a, b]), lambda a, b: np.hstack([a, b]), [M, M]),
    (lambda a, b: ops.vstack([a, b]), lambda a, b: np.vstack([a, b]), [V, M]),
    (lambda a, b: ops.dstack([a, b]), lambda a, b: np.dstack([a, b]), [V, V]),
    (lambda a, b: ops.dstack([a, b]), lambda a, b: np.dstack([a, b]), [M, M]),
    (lambda a, b: ops.meshgrid(a, b), lambda a, b: np.meshgrid(a, b), [V, V[:2].copy()]),
    (lambda a, b: ops.meshgrid(a, b, indexing="ij"), lambda a, b: np.meshgrid(a, b, indexing="ij"), [V, V]),
]


@pytest.mark.parametrize(("function", "reference", "inputs"), JOINS)
def test_joins(function, reference, inputs):
    found, expected = function(*inputs), reference(*inputs)
    pairs = zip(found, expected, strict=True) if isinstance(found, list) else [(found, expected)]
    for y, wanted in pairs:
        np.testing.assert_array_equal(y.numpy(), wanted)
    check_gradients(function, inputs)
    check_symbolic(function, inputs, batch=False)


def test_joined_tensors_promote():
    assert ops.concatenate([np.ones(2, "float16"), [1]]).dtype == "float16"
    assert ops.stack([1, 2.5]).dtype == "float32"
