"""What is left of a training after the device failed in the middle of a step, on an emulated GPU."""

import contextlib
import os
import warnings

import numpy as np
import pytest

from kerasish import constraints, layers, models, ops, optimizers
from kerasish.autodiff import GradientTape, Mirrored, convert_to_tensor, state
from kerasish.autodiff.host_values import raw
from kerasish.training import replay
from kerasish.utils import set_random_seed

pytestmark = pytest.mark.skipif(
    os.environ.get("KERASISH_TEST_DEVICE") != "emulated", reason="needs an emulated GPU, whose memory ends on demand"
)


@pytest.fixture
def faults():
    import cupy

    yield cupy.faults
    cupy.faults.reset()


class Signs(optimizers.Optimizer):
    """An optimizer as a user writes it, with a state of its own."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.turns = [self.add_variable_from_reference(v, "turns") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        turns = self.turns[self._get_variable_index(variable)]
        self.assign_add(turns, ops.sign(gradient))
        self.assign_sub(variable, learning_rate * turns)


OPTIMIZERS = {
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "clipped": lambda: optimizers.AdamW(0.01, weight_decay=0.1, clipnorm=0.5, use_ema=True),
    "accumulated": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2, global_clipnorm=0.5),
    "scaled": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), dynamic_growth_steps=2),
    "scheduled": lambda: optimizers.Nadam(optimizers.schedules.ExponentialDecay(0.01, 10, 0.5)),
    "own": lambda: Signs(0.01, weight_decay=0.1),
}


def _model(optimizer, constraint=None, **compiled):
    set_random_seed(3)
    model = models.Sequential(
        [
            layers.Input((3,)),
            layers.Dense(4, kernel_constraint=constraint),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    model.compile(optimizer, "mse", **compiled)
    return model


def _batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((4, 3)).astype(np.float32), rng.standard_normal((4, 2)).astype(np.float32)


def _variables(model):
    return list({id(v): v for v in [*model.variables, *model.optimizer.variables, *_seeds(model)]}.values())


def _seeds(model):
    return [layer.seed_generator.state for layer in model.layers if hasattr(layer, "seed_generator")]


def _values(model):
    found = []
    for variable in _variables(model):
        value = variable.numpy()
        found.append(value)
        if isinstance(variable, Mirrored):
            np.testing.assert_array_equal(np.asarray(variable.host, value.dtype), value)
            np.testing.assert_array_equal(raw(variable).get(), value)
    return found


def _put(model, values):
    for variable, value in zip(_variables(model), values, strict=True):
        variable.assign(value)


def _same(values, others):
    return all(np.array_equal(a, b) for a, b in zip(values, others, strict=True))


def _course(model, steps):
    """The state now, and after each of some steps."""
    values = [_values(model)]
    for _ in range(steps):
        model.train_on_batch(*_batch())
        values.append(_values(model))
    return values


def _check_all_indices(model, faults, least, prepare=lambda: None, before=0):
    """A step fails at each of its allocations in turn; it has then happened or not, and the next one goes as ever."""
    course = _course(model, before + 2)[before:]
    seen = {"raised": 0, "happened": 0}
    for index in range(1, 1000):
        _put(model, course[0])
        prepare()
        raised = None
        with faults.injected(out_of_memory_at=index), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                model.train_on_batch(*_batch())
            except MemoryError as error:
                raised = error
            fired = faults.out_of_memory_at is None
        if not fired:
            assert _same(_values(model), course[1])
            break
        assert (state.recorder, state.journal, state.tapes) == (None, None, ())
        now = _values(model)
        happened = _same(now, course[1])
        if raised is None:
            assert happened, index
        else:
            assert "smaller batch_size" in str(raised), index
            assert happened or _same(now, course[0]), index
            seen["raised"] += 1
        seen["happened"] += happened
        model.train_on_batch(*_batch())
        assert _same(_values(model), course[1 + happened]), index
    assert index > least
    return seen


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_that_runs_out_of_memory_has_happened_or_not(faults, name):
    model = _model(OPTIMIZERS[name](), run_eagerly=True)
    model.train_on_batch(*_batch())
    # Of two steps whose gradients are accumulated, the second one updates.
    for before in (0, 1) if name == "accumulated" else (0,):
        seen = _check_all_indices(model, faults, 40, before=before)
        assert seen["raised"] > seen["happened"]


@pytest.mark.parametrize("name", ["clipped", "accumulated", "scaled"])
def test_constraints_that_run_out_of_memory_leave_no_half_of_an_update(faults, name):
    model = _model(OPTIMIZERS[name](), constraint=constraints.MaxNorm(0.5), run_eagerly=True)
    model.train_on_batch(*_batch())
    _check_all_indices(model, faults, 40, before=int(name == "accumulated"))


@pytest.mark.parametrize("name", ["clipped", "scaled"])
def test_a_recording_that_runs_out_of_memory_leaves_the_step_to_be_made_as_it_is_written(faults, monkeypatch, name):
    monkeypatch.setattr(replay, "WARM_UP", 0)
    model = _model(OPTIMIZERS[name]())
    model.run_eagerly = True
    model.train_on_batch(*_batch())
    model.run_eagerly = False

    def prepare():
        model.train_function = None

    seen = _check_all_indices(model, faults, 40, prepare)
    assert seen["happened"] > seen["raised"]


@pytest.mark.parametrize("name", ["momentum", "scaled", "scheduled"])
def test_a_replay_that_runs_out_of_memory_counts_nothing(faults, name):
    model = _model(OPTIMIZERS[name]())
    for _ in range(3):
        model.train_on_batch(*_batch())
    seen = _check_all_indices(model, faults, 2)
    assert seen["raised"]


@pytest.mark.parametrize("name", ["momentum", "scaled", "scheduled"])
def test_a_recording_whose_first_launch_fails_has_counted_nothing(monkeypatch, name):
    from kerasish.backend.cupy._graph import Recording

    def refuse(self):
        raise MemoryError("no room for the graph")

    monkeypatch.setattr(replay, "WARM_UP", 0)
    model = _model(OPTIMIZERS[name](), run_eagerly=True)
    course = _course(model, 2)
    _put(model, course[1])
    model.run_eagerly, model.train_function = False, None
    monkeypatch.setattr(Recording, "launch", refuse)
    with pytest.warns(UserWarning, match="no room for the graph"):
        model.train_on_batch(*_batch())
    assert _same(_values(model), course[2])


@pytest.mark.parametrize("name", ["momentum", "scaled", "scheduled"])
def test_a_replay_whose_launch_fails_has_counted_nothing(monkeypatch, name):
    from kerasish.backend.cupy._graph import Recording

    def refuse(self):
        raise MemoryError("no room for the graph")

    model = _model(OPTIMIZERS[name]())
    for _ in range(3):
        model.train_on_batch(*_batch())
    course = _course(model, 1)
    _put(model, course[0])
    with monkeypatch.context() as patch:
        patch.setattr(Recording, "launch", refuse)
        with pytest.raises(MemoryError, match="no room for the graph"):
            model.train_on_batch(*_batch())
    assert _same(_values(model), course[0])
    model.train_on_batch(*_batch())
    assert _same(_values(model), course[1])


def test_a_recording_for_which_memory_is_short_says_so_once(faults, monkeypatch):
    monkeypatch.setattr(replay, "WARM_UP", 0)
    model = _model("sgd")
    model.optimizer.build(model.trainable_variables)
    with faults.injected(out_of_memory_at=12), pytest.warns(UserWarning, match="smaller batch_size"):
        model.train_on_batch(*_batch())


def test_memory_that_stays_short_is_one_error_and_a_step_that_did_not_happen(faults):
    import cupy

    model = _model(OPTIMIZERS["clipped"]())
    model.train_on_batch(*_batch())
    before = _values(model)
    cupy.get_default_memory_pool().free_all_blocks()
    with faults.injected(memory_limit=0), pytest.raises(MemoryError, match="nvidia-smi"):
        model.train_on_batch(*_batch())
    assert _same(_values(model), before)


@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"]
)
def test_every_loop_says_what_to_do_where_memory_ends(faults, method):
    model = _model("sgd")
    x, y = _batch()
    data = (x,) if "predict" in method else (x, y)
    quiet = {} if "batch" in method else {"verbose": 0}
    getattr(model, method)(*data, **quiet)
    with faults.injected(out_of_memory_at=1), pytest.raises(MemoryError) as caught:
        getattr(model, method)(*data, **quiet)
    assert type(caught.value) is MemoryError
    text = str(caught.value)
    for part in ("Out of memory allocating", "batch_size", "mixed_bfloat16", "free_all_blocks()", "another process"):
        assert part in text
    getattr(model, method)(*data, **quiet)


def test_an_operation_on_its_own_says_what_to_do_where_memory_ends(faults):
    x = convert_to_tensor([1.0, 2.0])
    with faults.injected(out_of_memory_at=1), pytest.raises(MemoryError, match="smaller batch_size"):
        ops.exp(x)
    with faults.injected(out_of_memory_at=1), pytest.raises(MemoryError, match="smaller batch_size"), GradientTape():
        ops.exp(x)
    with pytest.raises(TypeError):
        ops.exp(x, x, x)


def test_an_optimizer_alone_makes_a_whole_step_or_none(faults):
    from kerasish.autodiff import Variable

    x = Variable(np.ones(4, np.float32))
    x.constraint = constraints.UnitNorm()
    y = Variable(np.full(3, 2.0, np.float32))
    optimizer = optimizers.Adam(0.1, clipnorm=0.3)
    gradients = [convert_to_tensor(np.ones(4, np.float32)), convert_to_tensor(np.ones(3, np.float32))]
    for index in range(1, 200):
        before = x.numpy(), y.numpy(), int(optimizer.iterations), len(optimizer.variables)
        with faults.injected(out_of_memory_at=index):
            try:
                optimizer.apply(gradients, [x, y])
            except MemoryError:
                after = x.numpy(), y.numpy(), int(optimizer.iterations), len(optimizer.variables)
                # Its build may have succeeded.
                assert _same(after[:3], before[:3])
                assert after[3] in (before[3], 6)
            if faults.out_of_memory_at is not None:
                break
    assert index > 15
    assert (int(optimizer.iterations), len(optimizer.variables)) == (1, 6)
    twins = Variable(np.ones(4, np.float32)), Variable(np.full(3, 2.0, np.float32))
    twins[0].constraint = constraints.UnitNorm()
    optimizers.Adam(0.1, clipnorm=0.3).apply(gradients, list(twins))
    assert _same((x.numpy(), y.numpy()), [twin.numpy() for twin in twins])


def test_a_model_whose_first_step_runs_out_of_memory_can_be_trained(faults):
    def fresh():
        set_random_seed(5)
        model = models.Sequential([layers.Dense(4), layers.BatchNormalization(), layers.LSTM(2)])
        model.compile(optimizers.Nadam(0.01), "mse", run_eagerly=True)
        return model

    x = np.random.default_rng(0).standard_normal((2, 3, 3)).astype(np.float32)
    y = np.ones((2, 2), np.float32)
    whole = fresh()
    whole.train_on_batch(x, y)
    for index in range(1, 400, 7):
        model = fresh()
        with faults.injected(out_of_memory_at=index):
            with contextlib.suppress(MemoryError):
                model.train_on_batch(x, y)
            if faults.out_of_memory_at is not None:
                break
        model.train_on_batch(x, y)
        assert [v.shape for v in model.variables] == [v.shape for v in whole.variables], index
        assert [v.shape for v in model.optimizer.variables] == [v.shape for v in whole.optimizer.variables], index
        assert int(model.optimizer.iterations) in (1, 2), index


@pytest.mark.parametrize("name", ["momentum", "scaled", "own"])
def test_a_launch_that_fails_names_the_kernel_and_counts_no_step(faults, name):
    model = _model(OPTIMIZERS[name](), run_eagerly=True)
    model.train_on_batch(*_batch())
    start = _values(model)
    for index in range(1, 500):
        _put(model, start)
        with faults.injected(launch_failure_at=index):
            text = None
            try:
                model.train_on_batch(*_batch())
            except RuntimeError as error:
                text = str(error)
            fired = faults.launch_failure_at is None
        steps = int(model.optimizer.iterations)
        # That the host counts what the device has is checked here.
        values = _values(model)
        if not fired:
            break
        assert all(part in text for part in ("The CUDA kernel ", "unusable", "LAUNCH_FAILED")), index
        assert steps == 2 or _same(values, start), index
    assert index > 10
    assert steps == 2


def test_a_device_that_stopped_is_told_from_any_place(faults):
    import cupy

    from kerasish import backend

    for error in (cupy.cuda.runtime.CUDARuntimeError(719), cupy.cuda.driver.CUDADriverError(700)):
        told = backend.explained(error)
        assert type(told) is RuntimeError
        assert "unusable until this process ends" in str(told)
        assert str(error) in str(told)
    told = backend.explained(cupy.cuda.runtime.CUDARuntimeError(2))
    assert type(told) is MemoryError
    assert "batch_size" in str(told)
    for error in (cupy.cuda.runtime.CUDARuntimeError(900), ValueError("x"), MemoryError("of the host")):
        assert backend.explained(error) is None
