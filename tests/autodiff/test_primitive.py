import numpy as np
import pytest

from kerasish import backend, config
from kerasish.autodiff import GradientTape, Primitive, apply, convert_to_tensor, dummy, fused
from kerasish.ops.arithmetic import MULTIPLY
from tests.support import check_gradients


def test_a_dummy_takes_the_memory_of_one_element():
    x = dummy((10**6, 10**6), "float32")
    assert x.strides == (0, 0)


def test_a_missing_kernel_is_named():
    with pytest.raises(AttributeError, match="no kernel 'abacus'"):
        Primitive("abacus")


def test_primitives_follow_the_backend():
    before = config.backend()
    run = MULTIPLY.run
    MULTIPLY.run = None
    try:
        config.set_backend("numpy")
        assert MULTIPLY.run is backend.kernels_of("numpy")["multiply"]
    finally:
        config.set_backend(before)
    assert MULTIPLY.run is run


def test_a_kernel_with_several_outputs_gives_a_tuple():
    split = Primitive("split")
    first, second = apply(split, (convert_to_tensor([1.0, 2.0]),), {"indices": (1,), "axis": 0})
    assert (first.tolist(), second.tolist()) == ([1.0], [2.0])


def pair(composite):
    """A product whose gradient by both operands is one kernel, that of the product itself."""
    forward, backward = fused(
        "multiply",
        "multiply",
        lambda node, dy: (apply(backward, (dy, node.inputs[1])), apply(backward, (dy, node.inputs[0]))),
        composite,
    )
    return lambda x, y: apply(forward, (x, y))


def test_a_fused_kernel_is_differentiated_again_by_its_composite():
    x, y = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    check_gradients(pair(lambda a, b: a * b), [x, y])
    check_gradients(lambda v: pair(lambda a, b: a * b)(v, v), [x])


def test_without_a_composite_a_second_derivative_is_refused_by_name():
    product = pair(None)
    x = convert_to_tensor(np.array([1.0]))
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = product(x, x)
        dy = inner.gradient(y, x)
    assert dy.tolist() == [2.0]
    with pytest.raises(NotImplementedError, match="'multiply' is a fused kernel"):
        outer.gradient(dy, x)
