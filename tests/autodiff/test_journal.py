import numpy as np
import pytest

from kerasish import backend, optimizers
from kerasish.autodiff import Mirrored, Variable, convert_to_tensor, state
from kerasish.autodiff.journal import needed, whole, wholly
from kerasish.random import SeedGenerator


@pytest.fixture
def device(monkeypatch):
    """Steps run as on a backend that records them."""
    monkeypatch.setattr(backend, "recorder", lambda: object())


def _fail(function):
    def step(_):
        function()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        wholly(step)(None)


def test_variables_hold_what_they_held_after_an_error(device):
    x, y = Variable([1.0, 2.0]), Variable([3])
    array = x.array

    def change():
        x.assign_add([1.0, 1.0])
        y.assign([4])
        x.assign([7.0, 7.0])

    _fail(change)
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0], [3])
    assert x.array is array
    assert state.journal is None


def test_numbers_of_the_host_are_taken_back_on_both_sides(device):
    count, draws = Mirrored(3, dtype="int32"), SeedGenerator(5)
    draws.next()

    def change():
        count.assign(8)
        assert count.tolist() == 8
        count.assign(np.array(9))
        draws.next()
        draws.next()

    _fail(change)
    assert (count.host, count.tolist()) == (3, 3)
    assert (draws.state.host, draws.state.tolist()) == ([5, 1], [5, 1])


def test_counted_steps_are_taken_back(device):
    optimizer = optimizers.SGD(0.1)
    steps = optimizer.iterations
    steps.advance()
    _fail(steps.advance)
    assert (steps.host, steps.tolist()) == (1, 1)


def test_a_number_that_the_device_alone_knows_is_taken_back(device):
    count = Mirrored(3, dtype="int32")
    count.assign(convert_to_tensor(4))
    _fail(lambda: count.assign(convert_to_tensor(5)))
    assert (count.tolist(), count.host) == (4, 4)


def test_what_succeeded_stays(device):
    x = Variable([1.0])
    with whole():
        x.assign([2.0])
    assert wholly(lambda data: x.assign_add(data))([3.0]) is x
    assert x.tolist() == [5.0]


def test_a_step_inside_that_succeeded_stays_after_a_later_error(device):
    x, y = Variable([1.0]), Variable([1.0])

    def change():
        x.assign([2.0])
        with whole():
            y.assign([2.0])
        x.assign([3.0])

    _fail(change)
    assert (x.tolist(), y.tolist()) == ([2.0], [2.0])


def test_a_step_inside_that_failed_is_taken_back_alone(device):
    x, y = Variable([1.0]), Variable([1.0])
    with whole():
        x.assign([2.0])
        _fail(lambda: y.assign([2.0]))
        assert state.journal is not None
    assert (x.tolist(), y.tolist()) == ([2.0], [1.0])


def test_on_the_host_nothing_is_kept():
    if backend.recorder() is not None:
        pytest.skip("tells what happens without a GPU")
    assert not needed()
    with whole():
        assert state.journal is None


@pytest.mark.parametrize("wrap", [lambda o: o, optimizers.LossScaleOptimizer])
def test_an_optimizer_of_ones_own_that_fails_in_the_middle_changes_nothing(device, wrap):
    class Halting(optimizers.Optimizer):
        calls = 0

        def update_step(self, gradient, variable, learning_rate):
            self.calls += 1
            if self.calls == 2:
                raise RuntimeError("in the middle")
            self.assign_sub(variable, gradient)

    inner = Halting(0.5, weight_decay=0.1, use_ema=True, gradient_accumulation_steps=2)
    optimizer = wrap(inner)
    x, y = Variable([1.0]), Variable([2.0])
    optimizer.build([x, y])
    optimizer.apply([[1.0], [1.0]], [x, y])
    before = [v.numpy() for v in (x, y, *optimizer.variables)]
    with pytest.raises(RuntimeError, match="in the middle"):
        optimizer.apply([[1.0], [1.0]], [x, y])
    for variable, value in zip((x, y, *optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value, err_msg=variable.path)


@pytest.mark.parametrize(
    "make", [optimizers.Adam, optimizers.Nadam, lambda r: optimizers.LossScaleOptimizer(optimizers.Adam(r))]
)
def test_a_build_that_fails_can_be_repeated(monkeypatch, make):
    from kerasish.optimizers import arena

    whole_one, optimizer = make(0.1), make(0.1)
    variables = [Variable([1.0, 2.0]), Variable([3.0])]
    whole_one.build(variables)
    add, calls = arena.Arena.add_slot, []

    def halting(self, name, members):
        calls.append(name)
        if len(calls) == 2:
            raise MemoryError("no room")
        add(self, name, members)

    monkeypatch.setattr(arena.Arena, "add_slot", halting)
    with pytest.raises(MemoryError):
        optimizer.build(variables)
    assert not optimizer.built
    optimizer.build(variables)
    assert [v.shape for v in optimizer.variables] == [v.shape for v in whole_one.variables]
    optimizer.apply([[1.0, 1.0], [1.0]], variables)
    assert int(optimizer.iterations) == 1
