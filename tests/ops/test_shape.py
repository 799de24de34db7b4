import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import KerasTensor, Variable
from tests.support import check_gradients, check_symbolic

X = np.random.default_rng(0).normal(size=(2, 3, 4))
M = X[0].copy()
V = X[0, 0].copy()
WIDTHS = ((0, 0), (1, 2), (0, 1))

# Name, arguments after the first, the same in NumPy, the input.
CASES = [
    ("reshape", ((4, -1),), lambda x: x.reshape(4, 6), X),
    ("reshape", (24,), lambda x: x.reshape(24), X),
    ("ravel", (), np.ravel, X),
    ("transpose", (), np.transpose, X),
    ("transpose", ((1, -1, 0),), lambda x: np.transpose(x, (1, 2, 0)), X),
    ("swapaxes", (0, -1), lambda x: np.swapaxes(x, 0, -1), X),
    ("moveaxis", (0, -1), lambda x: np.moveaxis(x, 0, -1), X),
    ("moveaxis", ((0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0)), X),
    ("expand_dims", (-1,), lambda x: np.expand_dims(x, -1), X),
    ("expand_dims", ((0, 2),), lambda x: np.expand_dims(x, (0, 2)), X),
    ("squeeze", (), np.squeeze, X[:, :1].copy()),
    ("squeeze", (1,), lambda x: np.squeeze(x, 1), X[:, :1, :1].copy()),
    ("broadcast_to", ((5, 2, 3, 4),), lambda x: np.broadcast_to(x, (5, 2, 3, 4)), X),
    ("broadcast_to", ((2, 3, 4),), lambda x: np.broadcast_to(x, (2, 3, 4)), X[:, :1].copy()),
    ("flip", (), np.flip, X),
    ("flip", ((0, -1),), lambda x: np.flip(x, (0, -1)), X),
    ("fliplr", (), np.fliplr, X),
    ("flipud", (), np.flipud, X),
    ("rot90", (), np.rot90, M),
    ("rot90", (2, (1, 2)), lambda x: np.rot90(x, 2, (1, 2)), X),
    ("rot90", (3,), lambda x: np.rot90(x, 3), M),
    ("rot90", (-4, (0, 1)), lambda x: np.rot90(x, -4), M),
    ("roll", (2,), lambda x: np.roll(x, 2), X),
    ("roll", ((1, -2), (1, -1)), lambda x: np.roll(x, (1, -2), (1, -1)), X),
    ("roll", (1, (0, 0, 1)), lambda x: np.roll(x, 1, (0, 0, 1)), X),
    ("repeat", (2,), lambda x: np.repeat(x, 2), X),
    ("repeat", (3, -1), lambda x: np.repeat(x, 3, -1), X),
    ("repeat", ((1, 0, 2), 1), lambda x: np.repeat(x, (1, 0, 2), 1), X),
    ("tile", (2,), lambda x: np.tile(x, 2), X),
    ("tile", ((2, 1, 1, 3),), lambda x: np.tile(x, (2, 1, 1, 3)), X),
    ("split", (2, -1), lambda x: np.split(x, 2, -1), X),
    ("split", ([1, -1], 2), lambda x: np.split(x, [1, -1], 2), X),
    ("array_split", (3, 2), lambda x: np.array_split(x, 3, 2), X),
    ("hsplit", (3,), lambda x: np.hsplit(x, 3), X),
    ("vsplit", (2,), lambda x: np.vsplit(x, 2), X),
    ("dsplit", (2,), lambda x: np.dsplit(x, 2), X),
    ("unstack", (3, 1), lambda x: [x[:, i] for i in range(3)], X),
    ("pad", (1,), lambda x: np.pad(x, 1), X),
    ("pad", (WIDTHS, "constant", 7.0), lambda x: np.pad(x, WIDTHS, constant_values=7), X),
    ("pad", (((0, 0), (2, 1), (3, 0)), "reflect"), lambda x: np.pad(x, ((0, 0), (2, 1), (3, 0)), "reflect"), X),
    ("pad", ((2, 1), "symmetric"), lambda x: np.pad(x, (2, 1), "symmetric"), M),
    ("pad", ((2, 1), "edge"), lambda x: np.pad(x, (2, 1), "edge"), M),
    ("pad", ((2, 1), "wrap"), lambda x: np.pad(x, (2, 1), "wrap"), M),
    ("stack", (), lambda x: np.stack(list(x)), X),
]  # fmt: skip
BATCHED = {"expand_dims", "fliplr", "flipud", "swapaxes", "moveaxis", "transpose", "flip"}


@pytest.mark.parametrize(("name", "args", "reference", "x"), CASES, ids=[f"{c[0]}{i}" for i, c in enumerate(CASES)])
def test_values_gradients_and_symbols(name, args, reference, x):
    def function(v):
        return getattr(ops, name)(v, *args)

    if name == "stack":

        def function(v):
            return ops.stack([v[0], v[1]])

    y, expected = function(x), reference(x)
    if isinstance(expected, (list, tuple)):
        assert len(y) == len(expected)
        for part, wanted in zip(y, expected, strict=True):
            np.testing.assert_array_equal(part.numpy(), wanted)
    else:
        np.testing.assert_array_equal(y.numpy(), expected)
    check_gradients(function, [x])
    check_symbolic(function, [x], batch=name in BATCHED)
    kept = function(x.astype("float16"))
    assert (kept[0] if isinstance(kept, list) else kept).dtype == "float16"


def test_an_open_batch_stays_open():
    x = KerasTensor((None, 3, 4))
    assert ops.reshape(x, (-1, 12)).shape == (None, 12)
    assert ops.transpose(x, (0, 2, 1)).shape == (None, 4, 3)
    assert ops.concatenate([x, x], axis=-1).shape == (None, 3, 8)
    assert ops.pad(x, ((0, 0), (1, 1), (0, 0))).shape == (None, 5, 4)
    assert [part.shape for part in ops.split(x, 2, axis=2)] == [(None, 3, 2)] * 2
    assert ops.repeat(x, 2, axis=1).shape == (None, 6, 4)
    assert ops.tile(x, (1, 2, 1)).shape == (None, 6, 4)


def test_a_rearranged_variable_does_not_follow_it():
    v = Variable([[1.0, 2.0]])
    views = [
        ops.reshape(v, (2,)),
        ops.transpose(v),
        ops.broadcast_to(v, (1, 2)),
        ops.squeeze(v),
        ops.flip(v),
        ops.split(v, 1)[0],
    ]
    before = [view.numpy().tolist() for view in views]
    v.assign([[7.0, 8.0]])
    assert [view.numpy().tolist() for view in views] == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.reshape(X, (5, -1)), r"24 elements .* Received: x.shape=\(2, 3, 4\), newshape=\(5, -1\)"),
        (lambda: ops.reshape(X, (-1, -1)), "cannot bring"),
        (lambda: ops.reshape(X, (5, 5)), "cannot bring"),
        (lambda: ops.transpose(X, (0, 1)), "expected 3 axes"),
        (lambda: ops.transpose(X, (0, 1, 1)), "given twice"),
        (lambda: ops.squeeze(X, 1), "dimension of size 1"),
        (lambda: ops.concatenate([]), "at least one tensor"),
        (lambda: ops.stack([M, V]), "tensors of one shape"),
        (lambda: ops.split(X, 5, 1), "divides the size 3 of axis 1"),
        (lambda: ops.unstack(X, 3), "Received: num=3"),
        (lambda: ops.pad(X, ((1, 1),) * 2), "expected pad_width"),
        (lambda: ops.pad(X, -1), "none of them negative"),
        (lambda: ops.pad(X, 1, "mirror"), "Received: mode='mirror'"),
        (lambda: ops.pad(X, 1, "edge", 3), "belongs to the mode 'constant'"),
        (lambda: ops.roll(X, (1, 2, 3), (0, 1)), "one shift for each axis"),
        (lambda: ops.repeat(X, (1, 2), 1), "one for each slice"),
        (lambda: ops.meshgrid(V, indexing="ji"), "Received: indexing='ji'"),
        (lambda: ops.moveaxis(X, (0, 1), 0), "as many sources"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_empty_tensors_are_rearranged():
    x = np.zeros((0, 3), "float32")
    assert ops.reshape(x, (3, 0)).shape == (3, 0)
    assert ops.reshape(x, (-1, 3)).shape == (0, 3)
    assert ops.concatenate([x, x]).shape == (0, 3)
    assert ops.unstack(x) == []
