"""Recorded steps: which are recorded, and when, on any machine; and their numbers, on a GPU or an emulated one."""

import contextlib
import itertools
import warnings
import weakref

import numpy as np
import pytest

from kerasish import backend, callbacks, layers, losses, metrics, models, ops, optimizers
from kerasish.autodiff import GradientTape, convert_to_tensor, state
from kerasish.ops import seeds
from kerasish.training import replay

RECORDS = backend.recorder() is not None
on_gpu = pytest.mark.skipif(not RECORDS, reason="needs a GPU, real or emulated")


# ---------------------------------------------------------------- which steps are recorded


class Paper:
    """A recorder that notes what is asked of it, over arrays of the host: a capture runs, a launch does nothing."""

    def __init__(self):
        self.captures = self.launches = 0
        self.kept = []

    def running(self):
        return contextlib.nullcontext()

    def pool(self):
        return None

    def recording(self, pool):
        return self

    @contextlib.contextmanager
    def capture(self):
        self.captures += 1
        yield

    def fill(self, targets, sources):
        for target, source in zip(targets, sources, strict=True):
            np.copyto(target, source)

    def launch(self):
        self.launches += 1

    def outside(self):
        return contextlib.nullcontext()

    def keep(self, array):
        self.kept.append(array)

    def slot(self, dtype, shape=()):
        array = np.zeros(shape, dtype)

        def write(value):
            array[...] = value

        return array, write


@pytest.fixture
def paper(monkeypatch):
    if RECORDS:
        pytest.skip("tells what happens without a GPU")
    made = Paper()
    monkeypatch.setattr(backend, "recorder", lambda: made)
    return made


def _small(optimizer="sgd", step=None, **compiled):
    class Own(models.Sequential):
        def train_step(self, data):
            return step(self, data)

    kind = models.Sequential if step is None else Own
    model = kind([layers.Input((3,)), layers.Dense(2), layers.Dropout(0.5)])
    model.compile(optimizer, "mse", **compiled)
    return model


def _data(count=8, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((count, 3)).astype(np.float32), rng.standard_normal((count, 2)).astype(np.float32)


def test_a_step_runs_twice_is_recorded_once_and_then_replayed(paper):
    model = _small()
    model.fit(*_data(24), batch_size=4, verbose=0)
    # Six steps: two as they are written, one that is recorded and launched, three that are launched.
    assert (paper.captures, paper.launches) == (1, 4)
    assert int(model.optimizer.iterations) == 6
    model.fit(*_data(8), batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (1, 6)


def test_another_batch_size_is_another_kind_of_step(paper):
    model = _small()
    model.fit(*_data(10), batch_size=4, epochs=4, verbose=0)
    # 4, 4, 2 an epoch: the last batch is recorded in the third epoch.
    assert (paper.captures, paper.launches) == (2, 6 + 2)


@pytest.mark.parametrize("arguments", [{"run_eagerly": True}, {"jit_compile": False}])
def test_nothing_is_recorded_where_the_user_does_not_want_it(paper, arguments):
    model = _small(**arguments)
    model.fit(*_data(24), batch_size=4, verbose=0)
    model.evaluate(*_data(24), batch_size=4, verbose=0)
    model.predict(_data(24)[0], batch_size=4, verbose=0)
    assert paper.captures == 0


def test_running_eagerly_can_be_asked_for_between_trainings(paper):
    model = _small()
    model.fit(*_data(12), batch_size=4, verbose=0)
    model.run_eagerly = True
    model.fit(*_data(12), batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (1, 1)


def test_evaluation_and_prediction_are_recorded_too(paper):
    model = _small()
    model.predict(_data(24)[0], batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (1, 4)
    model.evaluate(*_data(24), batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (2, 8)


def test_compiling_again_forgets_what_was_recorded(paper):
    model = _small()
    model.fit(*_data(24), batch_size=4, verbose=0)
    model.compile("sgd", "mse")
    model.fit(*_data(12), batch_size=4, verbose=0)
    assert paper.captures == 2


def test_other_trainable_variables_make_another_kind_of_step(paper):
    model = models.Sequential([layers.Input((3,)), layers.Dense(2), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(*_data(12), batch_size=4, verbose=0)
    model.layers[0].trainable = False
    model.fit(*_data(12), batch_size=4, verbose=0)
    assert paper.captures == 2
    model.layers[0].trainable = True
    model.fit(*_data(4), batch_size=4, verbose=0)
    assert paper.captures == 2


def test_the_phases_of_an_optimizer_are_recorded_apart(paper):
    model = _small(optimizers.SGD(0.1, gradient_accumulation_steps=2))
    model.fit(*_data(32), batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (2, 4)
    assert int(model.optimizer._iterations) == 8


def test_the_phases_of_an_optimizer_that_nobody_knows_of_are_followed(paper):
    hidden = optimizers.SGD(0.5, gradient_accumulation_steps=2)

    def step(self, data):
        with GradientTape() as tape:
            loss = ops.mean(self(data[0], training=True))
        hidden.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}

    model = _small(step=step)
    model.fit(*_data(32), batch_size=4, verbose=0)
    # Steps 3, 5 and 7 are those of one phase, which is recorded; the others run as they are written.
    assert (paper.captures, paper.launches) == (1, 3)
    assert int(hidden._iterations) == 8


def test_variables_that_moved_make_a_recording_invalid(paper):
    model = _small()
    model.fit(*_data(12), batch_size=4, verbose=0)
    assert paper.captures == 1
    kernel = model.layers[0].kernel
    other = optimizers.SGD(0.1)
    other.build([kernel])
    model.fit(*_data(4), batch_size=4, verbose=0)
    assert paper.captures == 2


def test_variables_of_others_that_move_leave_recordings_as_they_are(paper):
    model = _small()
    model.fit(*_data(12), batch_size=4, verbose=0)
    _small().fit(*_data(4), batch_size=4, verbose=0)
    model.fit(*_data(4), batch_size=4, verbose=0)
    assert (paper.captures, paper.launches) == (1, 2)


def test_what_cannot_be_recorded_runs_as_it_is_written_with_one_warning(paper):
    seen = []

    def step(self, data):
        x, y = data
        with GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y))
        # On paper a capture does what it captures: the value is read before anything has changed.
        seen.append(float(loss))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}

    def train(**arguments):
        seeds.set_global_seed(3)
        seen.clear()
        model = _small(step=step, **arguments)
        model.fit(*_data(24), batch_size=4, shuffle=False, verbose=0)
        return model, list(seen)

    expected, losses_expected = train(run_eagerly=True)
    with pytest.warns(UserWarning, match=r"cannot be recorded.*read on the host.*test_replay\.py, line") as caught:
        model, found = train()
    assert len([w for w in caught if "recorded" in str(w.message)]) == 1
    assert found == losses_expected
    assert int(model.optimizer.iterations) == 6
    for mine, other in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), other.numpy())
    assert state.recorder is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(*_data(24), batch_size=4, verbose=0)


def test_a_mistake_of_the_user_in_a_recorded_step_is_the_error_that_is_raised(paper):
    calls = []

    def step(self, data):
        calls.append(1)
        if len(calls) >= 3:
            raise ZeroDivisionError("mine")
        return {"loss": ops.mean(data[0])}

    model = _small(step=step)
    with pytest.raises(ZeroDivisionError, match="mine"):
        model.fit(*_data(24), batch_size=4, verbose=0)
    assert state.recorder is None


def test_many_kinds_of_data_are_recorded_up_to_a_bound_with_one_warning(paper, monkeypatch):
    monkeypatch.setattr(replay, "MOST_RECORDINGS", 2)
    model = _small()

    def train():
        for size in (1, 2, 3, 4):
            for _ in range(4):
                model.train_on_batch(*_data(size))

    with pytest.warns(UserWarning, match="more than 2 shapes") as caught:
        train()
    assert paper.captures == 2
    assert len(caught) == 1


def test_steps_that_must_be_recorded_again_and_again_are_not(paper, monkeypatch):
    monkeypatch.setattr(replay, "_MOST_MADE", 3)
    model = _small()
    generator = model.layers[1].seed_generator

    def train():
        for seed in range(8):
            generator.state.assign([seed, 0])
            model.train_on_batch(*_data(4))

    with pytest.warns(UserWarning, match="all the time") as caught:
        train()
    assert paper.captures == 3
    assert len(caught) == 1


def test_a_function_that_is_called_in_a_recorded_step_is_part_of_that_step(paper):
    teacher = _small()
    predict = teacher.make_predict_function()

    def step(self, data):
        with GradientTape() as tape:
            loss = ops.mean(ops.square(self(data[0], training=True) - predict((data[0],))))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}

    model = _small(step=step)
    model.fit(*_data(24), batch_size=4, verbose=0)
    assert len(model.train_function._recorded) == 1
    assert not teacher.predict_function._recorded


def test_an_error_lets_go_of_what_the_recording_took(paper):
    taken = []

    def step(self, data):
        if state.recorder is not None:
            held = np.zeros(3)
            taken.append(weakref.ref(held))
            raise RuntimeError("no memory")
        assert all(ref() is None for ref in taken)
        return {"loss": ops.mean(data[0])}

    with pytest.warns(UserWarning, match="cannot be recorded.*no memory"):
        _small(step=step).fit(*_data(24), batch_size=4, verbose=0)
    assert len(taken) == 1


def test_data_that_is_no_tensor_is_not_recorded(paper):
    model = _small()
    function = model.make_predict_function()
    for _ in range(5):
        function((np.ones((2, 3), np.float32),))
    assert paper.captures == 0


def test_a_signature_tells_structures_shapes_and_dtypes_apart():
    def of(data):
        return replay.signature(data, [])

    a, b = convert_to_tensor(np.ones((2, 3), np.float32)), convert_to_tensor(np.ones((2, 4), np.float32))
    kinds = [(a,), [a], (b,), (a, None), ({"x": a},), ({"y": a},), (a, a), (convert_to_tensor(np.ones((2, 3), int)),)]
    assert len({of(kind) for kind in kinds}) == len(kinds)
    assert of((a, {"x": b})) == of((convert_to_tensor(np.zeros((2, 3), np.float32)), {"x": b}))
    flat = []
    replay.signature((a, {"z": b, "y": None}), flat)
    assert [x is y for x, y in zip(flat, (a, b), strict=True)] == [True, True]
    again = replay.rebuilt((a, {"z": b, "y": None}), iter([b, a]))
    assert again[0] is b
    assert again[1]["z"] is a
    assert again[1]["y"] is None


# ---------------------------------------------------------------- the numbers of recorded steps


def _mlp(dtype=None):
    return models.Sequential(
        [
            layers.Input((6,)),
            layers.Dense(8, activation="relu", dtype=dtype),
            layers.Dropout(0.3, dtype=dtype),
            layers.BatchNormalization(momentum=0.9, dtype=dtype),
            layers.Dense(1, activation="sigmoid", dtype=dtype),
        ]
    )


def _labelled(count=37):
    rng = np.random.default_rng(1)
    return rng.standard_normal((count, 6)).astype(np.float32), rng.integers(0, 2, (count, 1)).astype(np.float32)


def _state(model):
    values = [*model.get_weights(), *model.optimizer.get_weights()]
    return values + [v.numpy() for m in model.metrics for v in m.variables]


def _recorded(model):
    return len(model.train_function._recorded) if hasattr(model.train_function, "_recorded") else 0


def _agree(train, at_least=1):
    """Train with recorded and with plain steps: all numbers are the same, bit for bit."""
    seeds.set_global_seed(7)
    plain, of_plain = train({"run_eagerly": True})
    seeds.set_global_seed(7)
    model, of_recorded = train({})
    assert _recorded(plain) == 0
    assert _recorded(model) >= at_least
    np.testing.assert_equal(of_recorded, of_plain)
    for mine, other in zip(_state(model), _state(plain), strict=True):
        np.testing.assert_array_equal(mine, other)


def _fit(optimizer, compiled, fitted=None, epochs=4, dtype=None):
    model = _mlp(dtype)
    model.compile(
        optimizer, "binary_crossentropy", metrics=["accuracy", metrics.AUC(num_thresholds=20, name="area")], **compiled
    )
    history = model.fit(*_labelled(), batch_size=8, epochs=epochs, verbose=0, **(fitted or {}))
    return model, history.history


def _decay():
    return optimizers.schedules.ExponentialDecay(0.05, 3, 0.7)


OPTIMIZERS = {
    "Adam with a schedule": lambda: optimizers.Adam(_decay()),
    "AdamW": lambda: optimizers.AdamW(0.01, clipnorm=0.5),
    "Nadam": lambda: optimizers.Nadam(0.01),
    "accumulation": lambda: optimizers.SGD(0.05, momentum=0.9, gradient_accumulation_steps=3),
    "averages": lambda: optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4),
    "loss scale": lambda: optimizers.LossScaleOptimizer(optimizers.Adam(0.01), dynamic_growth_steps=3),
}


@on_gpu
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_recorded_training_has_the_numbers_of_a_plain_one(name):
    # 37 samples: the last batch of each epoch has 5.
    _agree(lambda compiled: _fit(OPTIMIZERS[name](), compiled), at_least=2)


@on_gpu
def test_half_precision_overflows_in_the_middle_of_a_recorded_training():
    def train(compiled):
        optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(_decay()), initial_scale=2.0**34)
        model = _mlp("mixed_float16")
        model.compile(optimizer, "binary_crossentropy", **compiled)
        history = model.fit(*_labelled(), batch_size=8, epochs=6, verbose=0)
        scale = float(optimizer.dynamic_scale)
        assert 1.0 < scale < 2.0**30
        assert 0 < int(optimizer.iterations) < 30
        return model, (history.history, scale, int(optimizer.iterations))

    _agree(train)


@on_gpu
def test_a_training_of_ones_own_is_recorded():
    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.drop, self.out = layers.Dense(5), layers.Dropout(0.2), layers.Dense(1)
            self.seen = metrics.Mean(name="seen")

        def call(self, x, training=False):
            return self.out(self.drop(self.dense(x), training=training))

        def train_step(self, data):
            x, y = data
            with GradientTape() as tape:
                loss = ops.mean(ops.square(self(x, training=True) - y))
            self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
            self.seen.update_state(loss)
            return {"loss": self.seen.result(), "rate": self.optimizer.learning_rate, "last": loss * 1.0}

    def train(compiled):
        model = Own()
        model.compile(optimizers.Adam(_decay()), **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=4, verbose=0).history

    _agree(train)


@on_gpu
def test_a_learning_rate_that_callbacks_change_counts_from_the_next_step():
    class Halve(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) * 0.9

    def train(compiled):
        scheduler = callbacks.LearningRateScheduler(lambda epoch, rate: rate * 1.5)
        return _fit(optimizers.Adam(0.01), compiled, {"callbacks": [Halve(), scheduler]})

    _agree(train)


@on_gpu
def test_freezing_and_compiling_again_is_followed():
    def train(compiled):
        model, first = _fit(optimizers.Adam(0.01), compiled)
        model.layers[0].trainable = False
        model.compile(optimizers.SGD(0.1, momentum=0.5), "binary_crossentropy", **compiled)
        return model, (first, model.fit(*_labelled(), batch_size=8, epochs=4, verbose=0).history)

    _agree(train)


@on_gpu
def test_validation_groups_of_steps_and_sample_weights_go_through_recorded_steps():
    def train(compiled):
        x, y = _labelled(32)
        model = _mlp()
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=2, **compiled)
        weights = np.linspace(0.5, 1.5, 32).astype(np.float32)
        history = model.fit(
            x, y, sample_weight=weights, validation_data=(x[:10], y[:10]), batch_size=4, epochs=3, verbose=0
        )
        return model, history.history

    _agree(train)


@on_gpu
def test_data_that_comes_batch_by_batch_is_staged_with_the_same_numbers():
    x, y = _labelled(40)

    def train(compiled):
        def batches():
            for _ in range(4):
                for start in range(0, 40, 8):
                    yield x[start : start + 8], y[start : start + 8]

        model = _mlp()
        model.compile("adam", "binary_crossentropy", **compiled)
        return model, model.fit(batches(), steps_per_epoch=5, epochs=4, verbose=0).history

    _agree(train)


@on_gpu
def test_losses_that_layers_add_and_values_reported_in_a_call_are_recorded():
    class Own(models.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(4, kernel_regularizer="l2", activity_regularizer="l1")
            self.noise, self.out = layers.GaussianNoise(0.1), layers.Dense(1)

        def call(self, x, training=False):
            h = self.noise(self.dense(x), training=training)
            self.add_loss(0.1 * ops.mean(ops.square(h)))
            self.add_metric(ops.max(h), name="largest")
            return self.out(h)

    def train(compiled):
        model = Own()
        model.compile("rmsprop", "mse", **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=3, verbose=0).history

    _agree(train)


@on_gpu
def test_single_batches_are_recorded_as_well():
    x, y = _labelled(8)

    def train(compiled):
        model = _mlp()
        model.compile("adam", "binary_crossentropy", **compiled)
        return model, [model.train_on_batch(x, y * (i % 2)) for i in range(6)]

    _agree(train)


@on_gpu
def test_batches_that_are_views_with_gaps_are_copied_as_they_are():
    x, y = _labelled(8)
    turned = ops.transpose(ops.convert_to_tensor(np.ascontiguousarray(x.T)))
    found = []
    for compiled in ({"run_eagerly": True}, {}):
        seeds.set_global_seed(7)
        model = models.Sequential([layers.Input((6,)), layers.Dense(1)])
        model.compile("sgd", "mse", **compiled)
        step = model.make_train_function()
        for _ in range(6):
            logs = step((turned, ops.convert_to_tensor(y)))
        found.append([logs.read()["loss"], *model.get_weights()])
    # A product sums in another order where its operand is laid out in another way.
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)


@on_gpu
def test_evaluation_and_prediction_give_the_numbers_of_plain_steps():
    x, y = _labelled()
    seeds.set_global_seed(2)
    model = _mlp()
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
    expected = model.evaluate(x, y, batch_size=4, verbose=0), model.predict(x, batch_size=4, verbose=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    found = model.evaluate(x, y, batch_size=4, verbose=0), model.predict(x, batch_size=4, verbose=0)
    assert model.test_function._recorded
    assert model.predict_function._recorded
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(model.predict(x, batch_size=4, verbose=0), expected[1])


@on_gpu
def test_weights_that_are_set_and_seeds_that_are_restored_are_seen_by_recorded_steps():
    def train(compiled):
        model, first = _fit(optimizers.Adam(0.01), compiled)
        model.set_weights([w * 0.5 for w in model.get_weights()])
        dropout = next(layer for layer in model.layers if isinstance(layer, layers.Dropout))
        dropout.seed_generator.state.assign([77, 5])
        return model, (first, model.fit(*_labelled(), batch_size=8, epochs=4, verbose=0).history)

    _agree(train)


@on_gpu
def test_a_layer_trained_by_two_models_keeps_one_value():
    def train(compiled):
        shared = layers.Dense(4, activation="tanh")
        pair = []
        for size in (1, 2):
            inputs = layers.Input((6,))
            model = models.Model(inputs, layers.Dense(size)(shared(inputs)))
            model.compile(optimizers.SGD(0.05), "mse", **compiled)
            pair.append(model)
        x, y = _labelled(16)
        found = []
        for _ in range(3):
            for model in pair:
                history = model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
                found.append(history.history["loss"])
        return pair[0], (found, [w.tolist() for w in pair[1].get_weights()])

    _agree(train, at_least=0)


@on_gpu
def test_a_step_that_reads_a_value_runs_as_it_is_written_with_its_numbers():
    class Own(models.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            if float(data[0][0, 0]) > 1e9:
                logs = {}
            return logs

    def train(compiled):
        model = Own([layers.Input((6,)), layers.Dense(3), layers.Dropout(0.3), layers.Dense(1)])
        model.compile("adam", "mse", **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=3, verbose=0).history

    with pytest.warns(UserWarning, match="cannot be recorded") as caught:
        _agree(train, at_least=0)
    assert len(caught) == 1


@on_gpu
def test_an_operation_that_cannot_be_captured_is_named():
    class Own(models.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            return {**logs, "largest": ops.max(ops.svd(data[0], compute_uv=False))}

    def train(compiled):
        model = Own([layers.Input((6,)), layers.Dense(1)])
        model.compile("adam", "mse", **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=2, verbose=0).history

    with pytest.warns(UserWarning, match="cannot be recorded.*svd"):
        _agree(train, at_least=0)


@on_gpu
def test_constants_of_the_host_are_part_of_a_recorded_step():
    table = np.linspace(0, 1, 6).astype(np.float32)

    class Weighted(layers.Layer):
        def call(self, x):
            return x * table + ops.convert_to_tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])

    def train(compiled):
        model = models.Sequential([layers.Input((6,)), Weighted(), layers.Dense(1)])
        model.compile("sgd", "mse", **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=3, verbose=0).history

    _agree(train)


@on_gpu
def test_a_schedule_written_with_operations_works():
    class Own(optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + ops.cast(step, "float32"))

        def get_config(self):
            return {}

    _agree(lambda compiled: _fit(optimizers.Adam(Own()), compiled))


@on_gpu
def test_an_update_of_ones_own_is_recorded():
    class Descent(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.momenta = self.add_optimizer_variables(variables, "momentum")

        def update_step(self, gradient, variable, learning_rate):
            held = self.momenta[self._get_variable_index(variable)]
            self.assign(held, held * 0.9 + gradient)
            rate = learning_rate / (1.0 + 0.1 * ops.cast(self.iterations, "float32"))
            self.assign_sub(variable, rate * held)

    _agree(lambda compiled: _fit(Descent(0.05), compiled))


@on_gpu
def test_the_steady_state_of_a_training_reads_nothing_and_waits_for_nothing():
    work_log = pytest.importorskip("tests.emulator.standin.work_log")
    if not hasattr(__import__("cupy"), "work_log"):
        pytest.skip("counts what an emulated GPU does")
    found = []

    class Count(callbacks.Callback):
        reads_lazily = True

        def on_train_batch_end(self, batch, logs=None):
            found.append(work_log.snapshot())

    seeds.set_global_seed(4)
    scaling = optimizers.LossScaleOptimizer(optimizers.AdamW(0.01, use_ema=True))
    for optimizer, dtype in ((optimizers.Adam(_decay()), None), (scaling, "mixed_float16")):
        found.clear()
        model = _mlp(dtype)
        model.compile(optimizer, "binary_crossentropy", metrics=["accuracy", "auc"])
        model.fit(*_labelled(80), batch_size=8, epochs=1, verbose=0, callbacks=[Count()])
        differences = [{k: b[k] - a[k] for k in a} for a, b in itertools.pairwise(found[4:])]
        assert differences
        for difference in differences:
            assert difference["device_to_host"] == 0
            assert difference["synchronizations"] == 0
            assert difference["graph_launches"] == 1
            assert difference["host_to_device"] <= 1


@on_gpu
def test_training_many_steps_takes_no_further_memory():
    import cupy

    if not hasattr(cupy, "work_log"):
        pytest.skip("counts the memory of an emulated GPU")
    from tests.emulator.standin.memory import bytes_in_use

    found = []

    class Measure(callbacks.Callback):
        reads_lazily = True

        def on_train_batch_end(self, batch, logs=None):
            found.append(bytes_in_use())

    model = _mlp()
    model.compile("adam", "binary_crossentropy")
    model.fit(*_labelled(160), batch_size=8, epochs=2, verbose=0, callbacks=[Measure()])
    assert len(set(found[6:18])) == 1


@on_gpu
def test_a_model_that_goes_gives_the_memory_of_its_graphs_back():
    import gc

    import cupy

    if not hasattr(cupy, "work_log"):
        pytest.skip("counts the memory of an emulated GPU")
    from tests.emulator.standin.memory import bytes_in_use

    def train():
        model = _mlp()
        model.compile("adam", "binary_crossentropy")
        model.fit(*_labelled(40), batch_size=8, verbose=0)

    seeds.set_global_seed(4)
    train()
    gc.collect()
    before = bytes_in_use()
    train()
    gc.collect()
    assert bytes_in_use() <= before


@on_gpu
def test_running_out_of_memory_in_a_recording_falls_back():
    import cupy

    if not hasattr(cupy, "work_log"):
        pytest.skip("injects a fault into an emulated GPU")
    from tests.emulator.standin import faults

    class Own(models.Sequential):
        def train_step(self, data):
            if state.recorder is not None:
                with faults.injected(out_of_memory_at=3):
                    return super().train_step(data)
            return super().train_step(data)

    def train(compiled):
        model = Own([layers.Input((6,)), layers.Dense(3), layers.Dropout(0.3), layers.Dense(1)])
        model.compile("adam", "mse", **compiled)
        return model, model.fit(*_labelled(), batch_size=8, epochs=2, verbose=0).history

    with pytest.warns(UserWarning, match="cannot be recorded"):
        _agree(train, at_least=0)


@on_gpu
def test_a_variable_that_moves_between_trainings_is_followed():
    def train(compiled):
        model, first = _fit(optimizers.SGD(0.1), compiled)
        other = optimizers.SGD(0.1)
        other.apply([np.ones(v.shape, np.float32) for v in model.trainable_variables], model.trainable_variables)
        return model, (first, model.fit(*_labelled(), batch_size=8, epochs=4, verbose=0).history)

    _agree(train)


@on_gpu
def test_recurrent_and_attention_layers_are_recorded():
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((24, 5, 4)).astype(np.float32), rng.standard_normal((24, 1)).astype(np.float32)

    def train(compiled):
        inputs = layers.Input((5, 4))
        h = layers.LSTM(3, return_sequences=True)(inputs)
        h = layers.MultiHeadAttention(2, 2, dropout=0.1)(h, h)
        h = layers.LayerNormalization()(h)
        model = models.Model(inputs, layers.Dense(1)(layers.GlobalAveragePooling1D()(h)))
        model.compile(optimizers.Adam(0.01, global_clipnorm=1.0), losses.Huber(), **compiled)
        return model, model.fit(x, y, batch_size=4, epochs=2, verbose=0).history

    _agree(train)
