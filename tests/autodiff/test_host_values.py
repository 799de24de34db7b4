"""What the host does in a recorded step, on a device that only has slots."""

import contextlib
import copy
import pickle

import numpy as np
import pytest

from kerasish import backend, ops, random
from kerasish.autodiff import GradientTape, Mirrored, Variable, convert_to_tensor, state
from kerasish.autodiff.host_values import (
    Recorder,
    RecordingError,
    frozen_version,
    host_action,
    host_choice,
    host_value,
    keep,
    raw,
)
from kerasish.ops import seeds
from kerasish.optimizers import SGD, Adam, LossScaleOptimizer, Nadam
from kerasish.optimizers.host_scalar import HostScalar
from kerasish.optimizers.schedules import ExponentialDecay

pytestmark = pytest.mark.skipif(backend.recorder() is not None, reason="the slots of these tests are arrays of NumPy")


class Slots:
    """A device whose arrays are NumPy's: slots are set as on a GPU, and the step is not replayed."""

    def __init__(self):
        self.kept = []

    def slot(self, dtype, shape=()):
        array = np.zeros(shape, dtype)

        def write(value):
            array[...] = value

        return array, write

    def outside(self):
        return contextlib.nullcontext()

    def keep(self, array):
        self.kept.append(array)


def test_without_a_recorder_values_and_actions_are_plain_calls():
    seen = []
    assert host_value(lambda: 0.5, "float32") == 0.5
    host_action(lambda: seen.append(1))
    assert seen == [1]
    assert host_choice(lambda: "as it is") == "as it is"
    array = np.ones(2)
    assert keep(array) is array


def test_a_recorded_value_is_a_slot_that_follows_the_host_in_each_replay():
    recorder, now = Recorder(Slots()), [1.0]
    with recorder.recording():
        slot = host_value(lambda: now[0], "float64")
    assert (slot.shape, slot.dtype, float(slot)) == ((), np.float64, 1.0)
    now[0] = 2.5
    recorder.replay()
    assert float(slot) == 2.5
    assert state.recorder is None


def test_actions_and_values_are_replayed_in_their_order():
    recorder, count = Recorder(Slots()), [0]

    def advance():
        count[0] += 1

    with recorder.recording():
        before = host_value(lambda: count[0], "int64")
        host_action(advance)
        after = host_value(lambda: count[0], "int64")
    assert (int(before), int(after), count) == (0, 1, [1])
    recorder.replay()
    assert (int(before), int(after), count) == (1, 2, [2])


def test_a_recorded_step_fits_where_the_host_decides_as_it_did():
    recorder, due = Recorder(Slots()), [True]
    with recorder.recording():
        assert host_choice(lambda: due[0])
    recorder.replay()
    assert recorder.fits()
    due[0] = False
    assert not recorder.fits()


def test_after_an_error_what_the_host_did_is_undone_in_reverse():
    recorder, order, count = Recorder(Slots()), [], HostScalar(np.int64(4), dtype="int64", name="count")
    generator = seeds.SeedGenerator(3)

    def step():
        count.advance()
        count.advance()
        random.uniform((2,), seed=generator)
        host_action(lambda: None, lambda: order.append("first"))
        host_action(lambda: None, lambda: order.append("second"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), recorder.recording():
        step()
    assert order == ["second", "first"]
    assert (count.host, int(count)) == (4, 4)
    assert generator.state.tolist() == [3, 0]
    assert state.recorder is None
    assert not state.special
    recorder.replay()
    assert count.host == 4


def test_reading_a_tensor_on_the_host_is_refused_inside_a_recording():
    x, v = convert_to_tensor([1.0]), HostScalar(0.5, name="rate")
    for read in (x.numpy, x.item, lambda: float(x), lambda: bool(x), lambda: float(v), lambda: v.host):
        with pytest.raises(RecordingError, match="read on the host"), Recorder(Slots()).recording():
            read()
    assert float(v) == 0.5


def test_values_of_an_abstract_run_may_be_read_inside_a_recording():
    from kerasish.autodiff import abstract_mode

    with Recorder(Slots()).recording(), abstract_mode():
        assert (convert_to_tensor([1.0, 2.0]) * 2.0).numpy().shape == (2,)


def test_making_a_variable_inside_a_recording_is_refused_by_name():
    with pytest.raises(RecordingError, match="'late'"), Recorder(Slots()).recording():
        Variable([1.0], name="late")


def test_drawing_from_a_distribution_of_the_host_is_refused_inside_a_recording():
    with pytest.raises(RecordingError, match="gamma"), Recorder(Slots()).recording():
        random.gamma((2,), 1.0, seed=1)


def test_an_operation_that_fails_is_named():
    recorder = Recorder(Slots())
    with pytest.raises(np.linalg.LinAlgError), recorder.recording():
        ops.inv(convert_to_tensor(np.zeros((2, 2))))
    assert recorder.blamed == "the operation 'inv'"


def test_variables_and_arrays_that_operations_read_are_kept_and_watched():
    slots = Slots()
    recorder, v, x = Recorder(slots), Variable([1.0, 2.0]), convert_to_tensor([3.0, 4.0])
    with recorder.recording():
        v * x
    assert any(a is v.array for a in slots.kept)
    assert any(a is x.array for a in slots.kept)
    assert recorder.holds()
    version = frozen_version()
    v.bind(np.zeros(2, np.float32))
    assert frozen_version() > version
    assert not recorder.holds()


def test_a_variable_that_moved_in_the_recording_is_brought_back():
    recorder, v, other = Recorder(Slots()), Variable([1.0, 2.0]), np.zeros(2, np.float32)
    place = v.array
    with recorder.recording():
        recorder.uses(v)
        v.bind(other)
        v.assign([5.0, 6.0])
        recorder.put_back(lambda target, source: np.copyto(target, source))
    assert v.array is place
    assert place.tolist() == [5.0, 6.0]


def test_an_error_leaves_a_variable_that_moved_in_its_place():
    recorder, v = Recorder(Slots()), Variable([1.0, 2.0])
    place = v.array

    def step():
        recorder.uses(v)
        v.bind(np.zeros(2, np.float32))
        raise KeyError

    with pytest.raises(KeyError), recorder.recording():
        step()
    assert v.array is place


# ---------------------------------------------------------------- mirrored variables


def test_the_device_copy_of_a_mirrored_variable_follows_when_it_is_read():
    v = Mirrored(0.5, dtype="float32", name="v")
    v.assign(0.1)
    assert v.host == float(np.float32(0.1))
    assert raw(v) == 0.5
    assert v.array == np.float32(0.1)
    v.assign(convert_to_tensor(0.75))
    assert (v.host, float(v)) == (0.75, 0.75)
    assert (v.shape, v.dtype, v.ndim, v.size) == ((), "float32", 0, 1)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))])
def test_copies_of_mirrored_variables_have_their_values_and_kinds(duplicate):
    for v in (HostScalar(np.int64(3), dtype="int64", name="n"), seeds.SeedGenerator(9).state):
        v.assign(v.numpy() + 1)
        other = duplicate(v)
        assert type(other) is type(v)
        assert (other.tolist(), other.dtype, other.name, other.path) == (v.tolist(), v.dtype, v.name, v.path)
        assert other.array is not v.array


def test_a_mirrored_variable_in_a_recording_is_a_slot():
    recorder, v = Recorder(Slots()), HostScalar(2.0, dtype="float32", name="v")
    with recorder.recording():
        product = v * 3.0
        slot = v.array
    assert float(product) == 6.0
    v.assign(5.0)
    recorder.replay()
    assert float(slot) == 5.0


def test_a_number_assigned_in_a_recording_is_assigned_in_each_replay():
    recorder, v = Recorder(Slots()), HostScalar(2.0, dtype="float32", name="v")
    with recorder.recording():
        v.assign(7.0)
    assert v.host == 7.0
    v.assign(1.0)
    recorder.replay()
    assert v.host == 7.0


def test_a_tensor_assigned_in_a_recording_leaves_the_value_to_the_device():
    recorder, v = Recorder(Slots()), HostScalar(2.0, dtype="float32", name="v")
    with recorder.recording():
        v.assign(convert_to_tensor(3.0) * 2.0)
        assert v.array is raw(v)
    assert v.host == 6.0
    raw(v)[...] = 8.0
    recorder.replay()
    assert v.host == 8.0


def test_a_variable_that_the_device_leads_is_counted_there_and_read_when_asked():
    recorder, v = Recorder(Slots()), HostScalar(np.int64(3), dtype="int64", name="n")
    v.assign(5)
    with recorder.recording():
        v.lead_on_device()
        v.advance()
    assert (int(raw(v)), v.host) == (6, 6)
    v.assign(9)
    recorder.replay()
    assert int(raw(v)) == 9, "the device has the host's value before it counts on"


# ---------------------------------------------------------------- seeds


def test_the_counter_of_a_generator_is_a_slot_and_counts_in_each_replay():
    recorder, generator = Recorder(Slots()), seeds.SeedGenerator(11)
    with recorder.recording():
        seed, first = seeds.seed_and_counter(generator)
        _, second = seeds.seed_and_counter(generator)
        pair = seeds.draw_seed(generator)
    assert seed == 11
    assert (int(first), int(second), pair.tolist()) == (0, 1, [11, 2])
    recorder.replay()
    assert (int(first), int(second), pair.tolist()) == (3, 4, [11, 5])
    assert generator.state.tolist() == [11, 6]


def test_a_recording_does_not_hold_with_another_seed():
    recorder, generator = Recorder(Slots()), seeds.SeedGenerator(11)
    with recorder.recording():
        random.dropout(convert_to_tensor(np.ones(4)), 0.5, seed=generator)
    generator.state.assign([11, 40])
    assert recorder.holds()
    generator.state.assign([12, 0])
    assert not recorder.holds()


def test_a_recording_does_not_hold_with_another_global_generator():
    seeds.set_global_seed(1)
    recorder = Recorder(Slots())
    with recorder.recording():
        random.uniform((2,))
    assert recorder.holds()
    version = frozen_version()
    seeds.set_global_seed(1)
    assert frozen_version() > version
    assert not recorder.holds()


def test_an_abstract_run_inside_a_recording_counts_nothing():
    from kerasish.autodiff import KerasTensor

    recorder, generator = Recorder(Slots()), seeds.SeedGenerator(2)
    with recorder.recording():
        random.dropout(KerasTensor((None, 3)), 0.5, seed=generator)
    recorder.replay()
    assert generator.state.tolist() == [2, 0]


# ---------------------------------------------------------------- optimizers


def _quadratic(v):
    with GradientTape() as tape:
        loss = ops.sum(v * v)
    return tape.gradient(loss, [v])


def _steps(optimizer, count, recorder=None):
    v = Variable([1.0, -2.0])
    for _ in range(count):
        if recorder is None:
            optimizer.apply(_quadratic(v), [v])
        else:
            with Recorder(Slots()).recording():
                optimizer.apply(_quadratic(v), [v])
    return v.numpy()


MAKERS = {
    "SGD": lambda: SGD(0.1, momentum=0.9),
    "Adam with a schedule": lambda: Adam(ExponentialDecay(0.1, 2, 0.5)),
    "Adam with a function": lambda: Adam(lambda: 0.05, weight_decay=0.01),
    "averages": lambda: SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2),
    "accumulation": lambda: SGD(0.1, gradient_accumulation_steps=2),
    "Nadam": lambda: Nadam(0.1),
    "loss scale": lambda: LossScaleOptimizer(Nadam(0.1, weight_decay=0.01), initial_scale=8.0, dynamic_growth_steps=2),
    "loss scale with averages": lambda: LossScaleOptimizer(
        Adam(ExponentialDecay(0.1, 2, 0.5), use_ema=True, ema_momentum=0.5), initial_scale=4.0
    ),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_recorded_steps_of_an_optimizer_have_the_numbers_of_plain_ones(maker):
    plain, recorded = MAKERS[maker](), MAKERS[maker]()
    expected = _steps(plain, 5)
    v = Variable([1.0, -2.0])
    recorded.apply(_quadratic(v), [v])
    for _ in range(4):
        with Recorder(Slots()).recording():
            recorded.apply(_quadratic(v), [v])
    np.testing.assert_array_equal(v.numpy(), expected)
    for mine, other in zip(plain.variables, recorded.variables, strict=True):
        np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-7, err_msg=mine.path)


def test_the_host_part_of_a_step_is_replayed_with_the_numbers_of_the_next_step():
    optimizer, v = Adam(ExponentialDecay(0.1, 1, 0.5), weight_decay=0.5), Variable([1.0])
    optimizer.apply([[1.0]], [v])
    given = []
    optimizer.update = lambda param, grad, slots, rate: given.append((rate, optimizer.step_number()))
    recorder = Recorder(Slots())
    with recorder.recording():
        optimizer.apply([convert_to_tensor([1.0])], [v])
    (rate, step), *_ = given
    assert (float(rate), int(step), int(optimizer.iterations)) == (0.05, 2, 2)
    recorder.replay()
    assert (float(rate), int(step), int(optimizer.iterations)) == (0.025, 3, 3)


def test_a_function_for_the_learning_rate_is_called_once_a_step():
    calls = []
    optimizer, v = Adam(lambda: calls.append(1) or 0.1, weight_decay=0.1), Variable([1.0])
    optimizer.apply([[1.0]], [v])
    assert len(calls) == 1
    recorder = Recorder(Slots())
    with recorder.recording():
        optimizer.apply([convert_to_tensor([1.0])], [v])
    assert len(calls) == 2
    recorder.replay()
    assert len(calls) == 3


def test_the_phase_of_an_optimizer_tells_which_kind_of_step_is_next():
    v = Variable([1.0])
    optimizer = SGD(0.1, gradient_accumulation_steps=2)
    assert optimizer.has_step_phases()
    phases = []
    for _ in range(4):
        phases.append(optimizer.step_phase()[0])
        optimizer.apply([[1.0]], [v])
    assert phases == [False, True, False, True]
    averaging = SGD(0.1, use_ema=True, ema_overwrite_frequency=3)
    phases = []
    for _ in range(4):
        phases.append(averaging.step_phase()[1])
        averaging.apply([[1.0]], [v])
    assert phases == [False, False, True, False]
    assert LossScaleOptimizer(averaging).has_step_phases()
    assert not Adam().has_step_phases()


def test_a_recorded_step_whose_gradients_overflow_changes_nothing_but_the_scale():
    optimizer, v = LossScaleOptimizer(Nadam(0.1), initial_scale=8.0, dynamic_growth_steps=2), Variable([1.0, 2.0])
    optimizer.apply([[8.0, 8.0]], [v])
    before = [x.numpy() for x in optimizer.inner_optimizer.variables]
    value = v.numpy()
    with Recorder(Slots()).recording():
        optimizer.apply([convert_to_tensor([np.inf, 8.0])], [v])
    np.testing.assert_array_equal(v.numpy(), value)
    for mine, old in zip(optimizer.inner_optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(mine.numpy(), old, err_msg=mine.path)
    assert (float(optimizer.dynamic_scale), int(optimizer.step_counter)) == (4.0, 0)
    assert int(optimizer.iterations) == 1


def test_the_scale_of_recorded_steps_grows_after_as_many_good_ones():
    optimizer, v = LossScaleOptimizer(SGD(0.1), initial_scale=8.0, dynamic_growth_steps=2), Variable([1.0])
    optimizer.build([v])
    found = []
    for _ in range(4):
        with Recorder(Slots()).recording():
            optimizer.apply([convert_to_tensor([1.0])], [v])
        found.append((float(optimizer.dynamic_scale), int(optimizer.step_counter)))
    assert found == [(8.0, 1), (16.0, 0), (16.0, 1), (32.0, 0)]


def test_an_update_of_ones_own_is_skipped_in_a_recorded_overflow():
    from kerasish.optimizers import Optimizer

    class Descent(Optimizer):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, learning_rate * gradient)

    optimizer, v = LossScaleOptimizer(Descent(0.5), initial_scale=2.0), Variable([1.0, 2.0])
    optimizer.build([v])
    with Recorder(Slots()).recording():
        optimizer.apply([convert_to_tensor([2.0, 2.0])], [v])
    assert v.tolist() == [0.5, 1.5]
    with Recorder(Slots()).recording():
        optimizer.apply([convert_to_tensor([np.nan, 2.0])], [v])
    assert v.tolist() == [0.5, 1.5]
    assert int(optimizer.iterations) == 1
