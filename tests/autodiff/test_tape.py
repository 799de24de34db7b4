import gc
import tracemalloc

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import GradientTape, Variable, convert_to_tensor, no_recording


def watched(tape, values):
    x = convert_to_tensor(np.asarray(values, "float64"))
    tape.watch(x)
    return x


def test_a_trainable_variable_is_watched_by_itself():
    v, frozen = Variable([1.0, 2.0]), Variable([3.0, 4.0], trainable=False)
    with GradientTape() as tape:
        y = v * v * frozen
    dv, df = tape.gradient(y, [v, frozen])
    assert dv.tolist() == [6.0, 16.0]
    assert df is None


def test_variables_can_be_left_unwatched():
    v, w = Variable([1.0]), Variable([2.0])
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(w)
        y = v * w
    assert [g if g is None else g.tolist() for g in tape.gradient(y, [v, w])] == [None, [1.0]]


def test_a_tensor_is_followed_when_watched():
    x = convert_to_tensor([3.0])
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert tape.gradient(y, x).tolist() == [6.0]


def test_only_floats_are_watched():
    with GradientTape() as tape:
        with pytest.raises(ValueError, match="Received: dtype=int32"):
            tape.watch(convert_to_tensor([1]))
        with pytest.raises(ValueError, match="Expected a Tensor to watch"):
            tape.watch(np.ones(2))


def test_gradients_of_intermediate_tensors_and_nested_structures():
    with GradientTape() as tape:
        x = watched(tape, [2.0])
        y = x * x
        z = y * y
    grads = tape.gradient(z, {"x": x, "list": [y, x]})
    assert grads["x"].tolist() == [32.0]
    assert grads["list"][0].tolist() == [8.0]


def test_a_tensor_used_twice_collects_both_gradients():
    with GradientTape() as tape:
        x = watched(tape, [3.0])
        y = x * x + x * 2.0 + x
    assert tape.gradient(y, x).tolist() == [9.0]


def test_several_targets_add_up_and_output_gradients_weigh_them():
    with GradientTape(persistent=True) as tape:
        x = watched(tape, [1.0, 2.0])
        a, b = x * 2.0, x * x
    assert tape.gradient([a, b], x).tolist() == [4.0, 6.0]
    assert tape.gradient([a, b], x, output_gradients=[np.array([1.0, 0.0]), np.array([0.0, 1.0])]).tolist() == [
        2.0,
        4.0,
    ]


def test_what_is_not_connected_gets_none_or_zeros():
    with GradientTape(persistent=True) as tape:
        x, other = watched(tape, [1.0]), watched(tape, [1.0, 2.0])
        y = x * 2.0
    assert tape.gradient(y, other) is None
    assert tape.gradient(y, other, unconnected_gradients="zero").tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="Received: unconnected_gradients='nan'"):
        tape.gradient(y, x, unconnected_gradients="nan")


def test_the_gradient_of_a_source_by_itself_is_one():
    with GradientTape() as tape:
        x = watched(tape, [1.0, 2.0])
    assert tape.gradient(x, x).tolist() == [1.0, 1.0]


def test_a_tape_gives_its_gradient_once_unless_it_is_persistent():
    with GradientTape() as tape:
        x = watched(tape, [2.0])
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with GradientTape(persistent=True) as tape:
        x = watched(tape, [2.0])
        y = x * x
        z = y * x
    assert tape.gradient(y, x).tolist() == [4.0]
    assert tape.gradient(z, x).tolist() == [12.0]
    assert tape.gradient(z, x).tolist() == [12.0]


def test_a_used_recording_says_so():
    v = Variable([2.0])
    with GradientTape() as outer:
        y = v * v
    outer.gradient(y, v)
    again = GradientTape(persistent=True)
    again._start = outer._start
    with pytest.raises(RuntimeError, match="used up by an earlier gradient"):
        again.gradient(y, v)


def test_nothing_is_recorded_after_the_tape_or_while_stopped():
    v = Variable([2.0])
    with GradientTape() as tape:
        y = v * v
        with tape.stop_recording():
            stopped = v * 3.0
        with no_recording():
            aside = v * 4.0
    after = y * v
    assert tape.gradient([stopped, aside, after], v) is None


def test_reset_forgets():
    v = Variable([2.0])
    with GradientTape() as tape:
        y = v * v
        tape.reset()
        z = v * 3.0
    assert tape.gradient([y, z], v).tolist() == [3.0]


def test_a_tape_is_entered_once_at_a_time():
    tape = GradientTape()
    with tape, pytest.raises(ValueError, match="recording already"), tape:
        pass


def test_second_and_third_derivatives():
    x = convert_to_tensor(np.array([2.0]))
    with GradientTape() as third:
        third.watch(x)
        with GradientTape() as second:
            second.watch(x)
            with GradientTape() as first:
                first.watch(x)
                y = x**4
            dy = first.gradient(y, x)
        ddy = second.gradient(dy, x)
    dddy = third.gradient(ddy, x)
    assert (dy.tolist(), ddy.tolist(), dddy.tolist()) == ([32.0], [48.0], [48.0])


def test_a_gradient_penalty_reaches_the_weights():
    w, x = Variable([[1.0], [2.0]]), convert_to_tensor([[3.0, 4.0]])
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.square(x @ w)
        penalty = ops.sum(ops.square(inner.gradient(y, x)))
    # penalty = 4 (x.w)**2 |w|**2
    s, n = 11.0, 5.0
    expected = 8 * s * n * np.array([[3.0], [4.0]]) + 8 * s * s * np.array([[1.0], [2.0]])
    np.testing.assert_allclose(outer.gradient(penalty, w).numpy(), expected)


def test_a_gradient_inside_its_own_persistent_tape_can_be_differentiated():
    with GradientTape(persistent=True) as tape:
        x = watched(tape, [3.0])
        y = x**3
        dy = tape.gradient(y, x)
    assert tape.gradient(dy, x).tolist() == [18.0]


def test_a_jacobian():
    matrix = np.arange(6.0).reshape(2, 3)
    with GradientTape(persistent=True) as tape:
        x = watched(tape, np.ones((3, 2)))
        y = ops.matmul(matrix, x)
        other = watched(tape, [1.0])
    jacobian = tape.jacobian(y, x)
    assert jacobian.shape == (2, 2, 3, 2)
    np.testing.assert_allclose(jacobian.numpy(), np.einsum("ik,jl->ijkl", matrix, np.eye(2)))
    assert tape.jacobian(y, [other]) == [None]
    with pytest.raises(RuntimeError, match="persistent=True"):
        GradientTape().jacobian(y, x)


def test_variables_of_one_precision_come_out_in_it():
    v = Variable([1.0], dtype="float16")
    with GradientTape() as tape:
        y = ops.cast(v, "float32") * 2.0
    assert tape.gradient(y, v).dtype == "float16"


def test_a_source_must_be_a_tensor():
    with GradientTape() as tape:
        y = Variable([1.0]) * 2.0
    with pytest.raises(ValueError, match="Expected sources to be tensors"):
        tape.gradient(y, "x")


def one_step(weights, x):
    with GradientTape() as tape:
        loss = ops.mean(ops.square(ops.tanh(x @ weights[0]) @ weights[1]))
    for weight, grad in zip(weights, tape.gradient(loss, weights), strict=True):
        weight.assign_sub(grad * 0.01)


@pytest.mark.cpu
def test_many_steps_do_not_grow_in_memory_without_the_garbage_collector():
    weights = [Variable(np.ones((8, 8), "float32") * 0.1) for _ in range(2)]
    x = convert_to_tensor(np.ones((16, 8), "float32"))
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        # The first steps fill the caches and free lists of Python and NumPy.
        for _ in range(300):
            one_step(weights, x)
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(600):
            one_step(weights, x)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 4096


def test_a_graph_that_is_never_differentiated_is_freed_by_reference_counts():
    import weakref

    gc.disable()
    try:
        with GradientTape() as outer:
            x = watched(outer, [1.0])
            with GradientTape() as inner:
                inner.watch(x)
                y = x * x * x
            dy = inner.gradient(y, x)
        refs = [weakref.ref(y), weakref.ref(dy)]
        del x, y, dy, outer, inner
        assert [ref() for ref in refs] == [None, None]
    finally:
        gc.enable()
