import numpy as np
import pytest

from kerasish.autodiff import GradientTape, KerasTensor, convert_to_tensor
from kerasish.ops import control_flow


def test_cond_calls_the_chosen_branch_only():
    called = []
    result = control_flow.cond(convert_to_tensor(False), lambda: called.append("true"), lambda: "false")
    assert (result, called) == ("false", [])
    assert control_flow.cond(True, lambda: 1, lambda: 2) == 1


def test_cond_on_a_symbolic_condition_takes_the_shape_of_both_branches():
    pred = KerasTensor((), "bool")
    y = control_flow.cond(pred, lambda: convert_to_tensor([1.0, 2.0]), lambda: convert_to_tensor([3.0, 4.0]))
    assert y.shape == (2,)
    with pytest.raises(ValueError, match="structures differ"):
        control_flow.cond(pred, lambda: convert_to_tensor(1.0), lambda: [convert_to_tensor(1.0)])


def test_switch_clamps_its_index():
    branches = [lambda x: x, lambda x: -x]
    assert [control_flow.switch(i, branches, 3) for i in (-1, 0, 1, 9)] == [3, 3, -3, -3]
    assert control_flow.switch(convert_to_tensor(1), branches, 3) == -3


def test_while_loop_keeps_the_structure_of_its_variables():
    assert control_flow.while_loop(lambda n, s: n < 4, lambda n, s: (n + 1, s + n), (0, 0)) == (4, 6)
    assert control_flow.while_loop(lambda n, s: n < 4, lambda n, s: (n + 1, s + n), [0, 0]) == [4, 6]
    assert control_flow.while_loop(lambda n: n < 4, lambda n: n + 1, 0, maximum_iterations=2) == 2
    with pytest.raises(ValueError, match=r"expected 2\. Received: 1"):
        control_flow.while_loop(lambda a, b: True, lambda a, b: a, (1, 2))


def test_gradients_flow_through_loops():
    x = convert_to_tensor(3.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        power = control_flow.fori_loop(0, 3, lambda i, value: value * x, convert_to_tensor(1.0))
        count, other = control_flow.while_loop(lambda n, v: n < 2, lambda n, v: (n + 1, v * x), (0, x))
        _, running = control_flow.scan(lambda c, _: (c * x, c), x, length=3)
    assert (power.item(), count, other.item(), running.tolist()) == (27, 2, 27, [3, 9, 27])
    assert tape.gradient(power, x).item() == 27
    assert tape.gradient(other, x).item() == 27
    assert tape.gradient(running, x).item() == 1 + 6 + 27


def test_scan_runs_both_ways_over_nested_structures():
    xs = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array([10.0, 20.0, 30.0])}

    def step(carry, x):
        carry = carry + x["a"]
        return carry, (carry, x["b"])

    carry, (sums, copies) = control_flow.scan(step, convert_to_tensor(np.array(0.0)), xs)
    assert (carry.item(), sums.tolist(), copies.tolist()) == (6, [1, 3, 6], [10, 20, 30])
    carry, (sums, _) = control_flow.scan(step, convert_to_tensor(np.array(0.0)), xs, reverse=True)
    assert (carry.item(), sums.tolist()) == (6, [6, 5, 3])


def test_scan_needs_a_length():
    with pytest.raises(ValueError, match="Received: xs=None"):
        control_flow.scan(lambda c, x: (c, x), 0)
    with pytest.raises(ValueError, match="one size"):
        control_flow.scan(lambda c, x: (c, None), 0, [np.zeros(2), np.zeros(3)])


@pytest.mark.parametrize("function", [control_flow.map, control_flow.vectorized_map])
def test_maps_stack_what_the_function_gives(function):
    y = function(lambda x: {"sum": x[0] + x[1], "square": x[0] * x[0]}, (np.arange(3.0), np.ones(3)))
    assert (y["sum"].tolist(), y["square"].tolist()) == ([1, 2, 3], [0, 1, 4])


@pytest.mark.parametrize("size", [1, 2, 5, 8])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_associative_scan_runs_along_an_axis_both_ways(size, axis):
    x = np.random.default_rng(0).normal(size=(size, size))
    y = control_flow.associative_scan(lambda a, b: a + b, x, axis=axis)
    np.testing.assert_allclose(y.numpy(), np.cumsum(x, axis=axis))
    y = control_flow.associative_scan(lambda a, b: a + b, x, axis=axis, reverse=True)
    np.testing.assert_allclose(y.numpy(), np.flip(np.cumsum(np.flip(x, axis), axis=axis), axis))


def test_associative_scan_keeps_the_order_of_its_operands():
    # Affine maps x -> a x + b do not commute.
    a, b = np.array([2.0, 3.0, 5.0, 7.0]), np.array([1.0, 1.0, 2.0, 3.0])
    scales, shifts = control_flow.associative_scan(lambda f, g: (f[0] * g[0], f[1] * g[0] + g[1]), (a, b))
    value, expected = 0.0, []
    for scale, shift in zip(a, b, strict=True):
        value = scale * value + shift
        expected.append(value)
    assert shifts.tolist() == expected
    assert scales.tolist() == [2, 6, 30, 210]


@pytest.mark.parametrize(
    "call",
    [
        lambda: control_flow.cond(True, 1, lambda: 2),
        lambda: control_flow.while_loop(1, lambda n: n, 0),
        lambda: control_flow.fori_loop(0, 1, None, 0),
        lambda: control_flow.map(3, [1]),
        lambda: control_flow.scan(3, 0, [1]),
        lambda: control_flow.switch(0, [5]),
    ],
)
def test_functions_must_be_callable(call):
    with pytest.raises(TypeError, match="Received"):
        call()


def test_symbolic_loops_have_shapes():
    x = KerasTensor((None, 3))
    y = control_flow.while_loop(lambda v: v.numpy().sum() < 9, lambda v: v + v, x)
    assert y.shape == (None, 3)
    assert control_flow.map(lambda row: row + 1.0, KerasTensor((4, 3))).shape == (4, 3)
