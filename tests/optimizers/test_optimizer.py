"""What all optimizers share: state, steps, errors, and the memory of the variables."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from kerasish import constraints, ops, optimizers
from kerasish.autodiff import GradientTape, Variable, convert_to_tensor, name_scope
from kerasish.optimizers import SGD, Adam, Lion, LossScaleOptimizer, Nadam, Optimizer, RMSprop

ALL = [
    SGD,
    lambda: SGD(momentum=0.9, nesterov=True),
    lambda: RMSprop(momentum=0.5, centered=True),
    Adam,
    lambda: Adam(amsgrad=True),
    optimizers.AdamW,
    optimizers.Adagrad,
    optimizers.Adadelta,
    optimizers.Adamax,
    Nadam,
    optimizers.Ftrl,
    Lion,
    lambda: LossScaleOptimizer(Adam()),
    lambda: Adam(use_ema=True, gradient_accumulation_steps=2, weight_decay=0.01),
]


def make_variables(*dtypes: str, seed: int = 0) -> list[Variable]:
    generator = np.random.default_rng(seed)
    shapes = [(3, 5), (5,), (), (2, 2, 2)]
    dtypes = dtypes or ("float32",)
    return [
        Variable(generator.normal(size=shape), dtype=dtypes[position % len(dtypes)], name=f"v{position}")
        for position, shape in enumerate(shapes)
    ]


def make_gradients(step: int) -> list[Any]:
    generator = np.random.default_rng(100 + step)
    return [convert_to_tensor(generator.normal(size=s).astype("float32")) for s in [(3, 5), (5,), (), (2, 2, 2)]]


def values(variables: list[Variable]) -> list[np.ndarray]:
    return [v.numpy() for v in variables]


def assert_same(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def is_view(variable: Variable, buffer: np.ndarray) -> bool:
    return np.shares_memory(variable.array, buffer)


class TestArena:
    def test_variables_and_slots_are_views_of_one_buffer(self) -> None:
        variables, optimizer = make_variables(), Adam()
        before = values(variables)
        optimizer.build(variables)
        (arena,) = optimizer._arenas
        assert all(is_view(v, arena.buffer) for v in variables)
        assert_same(values(variables), before)
        assert all(is_view(v, arena.slots["momentum"]) for v in optimizer.variables[2::2])

    def test_assign_keeps_the_views_and_numpy_gives_copies(self) -> None:
        variables, optimizer = make_variables(), SGD()
        optimizer.build(variables)
        held = variables[0].numpy()
        variables[0].assign(np.ones((3, 5)))
        variables[1].assign_add(np.ones(5))
        assert is_view(variables[0], optimizer._arenas[0].buffer)
        assert is_view(variables[1], optimizer._arenas[0].buffer)
        assert not np.any(held == 1)

    def test_each_dtype_has_a_buffer_of_its_own(self) -> None:
        variables, optimizer = make_variables("float32", "float16"), Adam(0.1)
        before = values(variables)
        optimizer.apply(make_gradients(0), variables)
        assert len(optimizer._arenas) == 2
        assert [v.dtype for v in variables] == ["float32", "float16", "float32", "float16"]
        # The first step of Adam goes by the learning rate, against the sign of the gradient.
        for v, b, g in zip(variables, before, make_gradients(0), strict=True):
            np.testing.assert_allclose(v.numpy(), b - 0.1 * np.sign(g.numpy()), atol=5e-3)

    def test_what_lies_between_the_variables_stays_zero(self) -> None:
        variables, optimizer = make_variables(), Nadam(0.1, global_clipnorm=0.1, weight_decay=0.1)
        for step in range(3):
            optimizer.apply(make_gradients(step), variables)
        (arena,) = optimizer._arenas
        covered = np.zeros(arena.size, bool)
        for start, stop in arena.spans:
            covered[start:stop] = True
        assert not np.any(arena.buffer[~covered])
        assert not np.any(arena.gradient[~covered])

    def test_two_optimizers_share_variables(self) -> None:
        variables, reference = make_variables(), make_variables()
        first, second, other = SGD(0.1), SGD(0.1), SGD(0.1)
        for step in range(4):
            (first if step % 2 else second).apply(make_gradients(step), variables)
            other.apply(make_gradients(step), reference)
        assert_same(values(variables), values(reference))
        second.apply(make_gradients(9)[:2], variables[:2])
        first.apply(make_gradients(9)[2:], variables[2:])
        other.apply(make_gradients(9), reference)
        assert_same(values(variables), values(reference))

    def test_a_variable_given_twice_is_an_ordinary_variable(self) -> None:
        (v, *_), optimizer = make_variables(), SGD(0.5)
        optimizer.build([v, v])
        before = v.numpy()
        optimizer.apply([np.ones((3, 5), "float32")], [v])
        np.testing.assert_allclose(v.numpy(), before - 0.5, rtol=1e-6)


class TestState:
    @pytest.mark.parametrize("make", ALL)
    def test_training_goes_on_exactly_where_the_state_was_taken(self, make: Any) -> None:
        variables, optimizer = make_variables(), make()
        for step in range(3):
            optimizer.apply(make_gradients(step), variables)
        state, weights = optimizer.get_weights(), values(variables)
        again_variables, again = make_variables(seed=7), make()
        again.build(again_variables)
        again.set_weights(state)
        for v, w in zip(again_variables, weights, strict=True):
            v.assign(w)
        for step in range(3, 6):
            optimizer.apply(make_gradients(step), variables)
            again.apply(make_gradients(step), again_variables)
        assert_same(values(variables), values(again_variables))
        assert_same(optimizer.get_weights(), again.get_weights())

    @pytest.mark.parametrize("make", ALL)
    def test_a_deep_copy_trains_its_own_variables(self, make: Any) -> None:
        variables, optimizer = make_variables(), make()
        optimizer.apply(make_gradients(0), variables)
        before = values(variables)
        twin_variables, twin = copy.deepcopy((variables, optimizer))
        twin.apply(make_gradients(1), twin_variables)
        twin.apply(make_gradients(2), twin_variables)
        assert_same(values(variables), before)
        optimizer.apply(make_gradients(1), variables)
        optimizer.apply(make_gradients(2), variables)
        assert_same(values(variables), values(twin_variables))

    def test_state_is_written_to_and_read_from_a_dict(self) -> None:
        variables, optimizer = make_variables(), Adam()
        optimizer.apply(make_gradients(0), variables)
        store: dict[str, Any] = {}
        optimizer.save_own_variables(store)
        other = Adam()
        other.build(make_variables())
        other.load_own_variables(store)
        assert_same(other.get_weights(), optimizer.get_weights())
        assert int(other.iterations) == 1

    def test_state_of_another_length_is_left_with_a_warning(self) -> None:
        optimizer = Adam()
        with pytest.warns(UserWarning, match=r"'adam.*not loaded: it has 2 variables, but 1 came"):
            optimizer.load_own_variables({"0": np.int64(3)})
        assert int(optimizer.iterations) == 0

    def test_wrong_state_is_refused_before_anything_is_set(self) -> None:
        optimizer = SGD(momentum=0.9, name="descent")
        with pytest.raises(ValueError, match="'descent' must be built"):
            optimizer.set_weights([])
        optimizer.build(make_variables())
        state = [np.ones_like(w) for w in optimizer.get_weights()]
        with pytest.raises(ValueError, match=r"has 6 variables\. Received: 5 arrays"):
            optimizer.set_weights(state[:5])
        state[-1] = np.ones((9,))
        with pytest.raises(ValueError, match=r"descent/v3_momentum.*shape \(2, 2, 2\). Received: shape=\(9,\)"):
            optimizer.set_weights(state)
        assert int(optimizer.iterations) == 0

    def test_a_scalar_known_on_the_host_follows_every_assignment(self) -> None:
        optimizer = SGD(0.1)
        optimizer.iterations.assign(41)
        optimizer.learning_rate.assign_add(0.4)
        (v, *_) = make_variables()
        before = v.numpy()
        optimizer.apply([np.ones((3, 5), "float32")], [v])
        np.testing.assert_allclose(v.numpy(), before - 0.5, rtol=1e-6)
        assert int(optimizer.iterations) == 42
        assert optimizer.iterations.numpy() == 42


class TestLearningRate:
    def test_learning_rate_is_set_and_read(self) -> None:
        optimizer = Adam(0.5)
        optimizer.learning_rate = 0.25
        assert float(optimizer.learning_rate) == 0.25
        optimizer.learning_rate.assign(0.125)
        assert optimizer.get_config()["learning_rate"] == 0.125

    def test_schedule_gives_the_rate_of_each_step(self) -> None:
        schedule = optimizers.schedules.ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5)
        optimizer, v = SGD(schedule), Variable([0.0])
        for expected in (-1.0, -1.5, -1.75):
            optimizer.apply([[1.0]], [v])
            assert v.item() == expected
        assert float(optimizer.learning_rate) == 0.125
        with pytest.raises(TypeError, match="schedule"):
            optimizer.learning_rate = 0.1

    def test_schedule_of_the_user_may_use_operations(self) -> None:
        class Halving(optimizers.schedules.LearningRateSchedule):
            def __call__(self, step: Any) -> Any:
                return 1.0 / (1.0 + ops.cast(step, "float32"))

        optimizer, v = SGD(Halving()), Variable([0.0])
        optimizer.apply([[1.0]], [v])
        optimizer.apply([[1.0]], [v])
        assert v.item() == -1.5

    def test_number_is_replaced_by_a_schedule_and_by_a_function(self) -> None:
        optimizer = SGD(0.1)
        assert len(optimizer.variables) == 2
        optimizer.learning_rate = optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
        assert len(optimizer.variables) == 1
        assert float(optimizer.learning_rate) == 0.5
        optimizer.learning_rate = lambda: 0.75
        assert float(optimizer.learning_rate) == 0.75

    @pytest.mark.parametrize("rate", ["fast", None, [0.1], True])
    def test_wrong_learning_rates_are_refused(self, rate: Any) -> None:
        with pytest.raises(ValueError, match="learning_rate"):
            SGD(rate)


class TestOwnOptimizers:
    def test_an_optimizer_by_update_step_with_state(self) -> None:
        class Momentum(Optimizer):
            def __init__(self, learning_rate: Any = 0.1, **kwargs: Any) -> None:
                super().__init__(learning_rate, **kwargs)
                self.calls = Variable(0.0, name="calls", trainable=False)

            def build(self, variables: Any) -> None:
                if self.built:
                    return
                super().build(variables)
                self.held = [self.add_variable_from_reference(v, name="held") for v in variables]

            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                held = self.held[self._get_variable_index(variable)]
                self.assign(held, 0.9 * held - ops.cast(learning_rate, variable.dtype) * gradient)
                self.assign_add(variable, held)
                self.calls.assign_add(1.0)

        mine, reference = make_variables(), make_variables()
        own, real = (
            Momentum(0.1, clipnorm=0.5, weight_decay=0.1),
            SGD(0.1, momentum=0.9, clipnorm=0.5, weight_decay=0.1),
        )
        for step in range(4):
            own.apply(make_gradients(step), mine)
            real.apply(make_gradients(step), reference)
        for a, b in zip(mine, reference, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5)
        assert [v.path for v in own.variables][:4] == [
            "momentum/iteration",
            "momentum/learning_rate",
            "calls",
            "momentum/v0_held",
        ]
        assert own.calls.item() == 16

    def test_update_step_of_a_built_in_optimizer_can_be_extended(self) -> None:
        class Twice(Adam):
            def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
                super().update_step(gradient * 2.0, variable, learning_rate)

        mine, reference = make_variables(), make_variables()
        own, real = Twice(0.1), Adam(0.1)
        for step in range(3):
            own.apply(make_gradients(step), mine)
            real.apply([2.0 * g for g in make_gradients(step)], reference)
        for a, b in zip(mine, reference, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)

    def test_state_before_super_init_is_refused(self) -> None:
        class Hasty(Optimizer):
            def __init__(self) -> None:
                self.calls = Variable(0.0)
                super().__init__(0.1)

        with pytest.raises(RuntimeError, match=r"Hasty, `super\(\).__init__\(\)` must be called first"):
            Hasty()

    def test_an_optimizer_without_an_update_says_so(self) -> None:
        with pytest.raises(NotImplementedError, match="Optimizer has neither"):
            Optimizer(0.1).apply([[1.0]], [Variable([1.0])])


class TestSteps:
    def test_constraints_are_kept_after_each_step(self) -> None:
        v = Variable([1.0, -1.0, 0.1])
        v.constraint = constraints.NonNeg()
        SGD(1.0).apply([[0.5, 0.0, 1.0]], [v])
        assert v.tolist() == [0.5, 0.0, 0.0]

    def test_pairs_and_lists_give_the_same_step(self) -> None:
        a, b = make_variables(), make_variables()
        SGD(0.1).apply(make_gradients(0), a)
        assert int(SGD(0.1).apply_gradients(zip(make_gradients(0), b, strict=True))) == 1
        assert_same(values(a), values(b))

    def test_gradients_come_without_variables_once_it_is_built(self) -> None:
        a, b = make_variables(), make_variables()
        first, second = Adam(0.1), Adam(0.1)
        with pytest.raises(ValueError, match="must be built on variables"):
            first.apply(make_gradients(0))
        first.build(a)
        first.apply(make_gradients(0))
        second.apply(make_gradients(0), b)
        assert_same(values(a), values(b))

    def test_the_order_and_the_choice_of_variables_do_not_matter(self) -> None:
        a, b = make_variables(), make_variables()
        first, second = SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9)
        first.build(a)
        second.build(b)
        first.apply(make_gradients(0), a)
        second.apply(make_gradients(0)[::-1], b[::-1])
        first.apply([make_gradients(1)[1], make_gradients(1)[3]], [a[1], a[3]])
        second.apply([make_gradients(1)[3], make_gradients(1)[1]], [b[3], b[1]])
        assert_same(values(a), values(b))

    def test_missing_gradients_leave_variables_alone_with_a_warning(self) -> None:
        variables, optimizer = make_variables(), Adam(0.1)
        before = values(variables)
        grads = make_gradients(0)
        grads[1] = None
        with pytest.warns(UserWarning, match=r"Gradients do not exist for the variables \['v1'\]"):
            optimizer.apply(grads, variables)
        np.testing.assert_array_equal(variables[1].numpy(), before[1])
        assert np.all(variables[0].numpy() != before[0])
        with pytest.raises(ValueError, match="No gradients came for any variable"):
            optimizer.apply([None] * 4, variables)

    def test_steps_are_not_recorded(self) -> None:
        v, optimizer = Variable([1.0]), SGD(0.5)
        with GradientTape() as tape:
            optimizer.apply([[1.0]], [v])
            y = v * 3.0
        assert tape.gradient(y, v).item() == 3.0
        assert v.item() == 0.5

    def test_gradients_do_not_have_to_be_tensors_of_the_dtype(self) -> None:
        v = Variable([1.0, 1.0])
        SGD(1.0).apply([np.array([1, 2])], [v])
        SGD(1.0).apply([convert_to_tensor(np.ones(2, "float16"))], [v])
        assert v.tolist() == [-1.0, -2.0]

    def test_variables_that_are_their_gradient(self) -> None:
        scale, v = Variable([1.0], name="scale"), Variable([1.0], name="v")
        scale.overwrite_with_gradient = True
        optimizer = SGD(0.5, momentum=0.5)
        optimizer.apply([[7.0], [1.0]], [scale, v])
        assert (scale.item(), v.item()) == (7.0, 0.5)
        assert [s.name for s in optimizer.variables] == ["iteration", "learning_rate", "v_momentum"]
        optimizer.apply([[8.0]], [scale])
        assert scale.item() == 8.0

    def test_global_norm_of_gradients_that_are_not_finite_spreads(self) -> None:
        variables, optimizer = make_variables(), SGD(0.1, global_clipnorm=1.0)
        grads = make_gradients(0)
        grads[2] = convert_to_tensor(np.float32(np.inf))
        optimizer.apply(grads, variables)
        assert all(np.isnan(v.numpy()).all() for v in variables)

    def test_averages_are_taken_over_at_the_end_only(self) -> None:
        v, optimizer = Variable([0.0]), SGD(1.0, use_ema=True, ema_momentum=0.5)
        optimizer.build([v])
        optimizer.finalize_variable_values([v])
        assert v.item() == 0.0
        for _ in range(3):
            optimizer.apply([[-1.0]], [v])
        assert v.item() == 3.0
        optimizer.finalize_variable_values([v])
        assert v.item() == 2.25

    def test_weight_decay_can_only_be_refused_before_the_build(self) -> None:
        optimizer = SGD(weight_decay=0.1)
        optimizer.build(make_variables())
        with pytest.raises(ValueError, match=r"before the optimizer 'sgd.*' is built"):
            optimizer.exclude_from_weight_decay(var_names=["v1"])


class TestErrors:
    def test_unknown_variables(self) -> None:
        optimizer = SGD(name="descent")
        optimizer.build(make_variables())
        with name_scope("dense"):
            other = Variable([1.0], name="kernel")
        with pytest.raises(ValueError, match="'descent' does not know the variable 'dense/kernel'"):
            optimizer.apply([[1.0]], [other])
        assert other.item() == 1.0
        assert int(optimizer.iterations) == 0

    def test_numbers_and_shapes_of_gradients(self) -> None:
        variables, optimizer = make_variables(), SGD(name="descent")
        before = values(variables)
        with pytest.raises(ValueError, match="Received: 3 gradients for 4 variables"):
            optimizer.apply(make_gradients(0)[:3], variables)
        grads = make_gradients(0)
        grads[3] = np.ones((2, 2), "float32")
        with pytest.raises(
            ValueError, match=r"gradient of 'v3' must have the shape \(2, 2, 2\). Received: shape=\(2, 2\)"
        ):
            optimizer.apply(grads, variables)
        assert_same(values(variables), before)
        with pytest.raises(ValueError, match=r"built on variables\. Received: 3"):
            SGD().build([3])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"clipnorm": 1.0, "clipvalue": 1.0}, "Only one of"),
            ({"use_ema": True, "ema_momentum": 2}, "ema_momentum"),
            ({"ema_overwrite_frequency": 0}, "ema_overwrite_frequency"),
            ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps"),
            ({"lr": 0.1}, r"The learning rate is `learning_rate`. Received: \['lr'\]"),
            ({"speed": 1}, r"not recognized by the optimizer SGD. Received: \['speed'\]"),
            ({"momentum": 1.5}, "momentum"),
            ({"name": 3}, "name=3"),
        ],
    )
    def test_arguments(self, arguments: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            SGD(**arguments)

    def test_decay_of_keras_2_is_ignored_with_a_warning(self) -> None:
        with pytest.warns(UserWarning, match="`decay`"):
            SGD(decay=0.1)
        SGD(decay=0.0)

    def test_identifiers(self) -> None:
        assert isinstance(optimizers.get("ADAM"), Adam)
        assert isinstance(optimizers.get({"class_name": "rmsprop", "config": {"rho": 0.5}}), RMSprop)
        given = SGD()
        assert optimizers.get(given) is given
        with pytest.raises(ValueError, match="gradientdescent"):
            optimizers.get("gradientdescent")
        with pytest.raises(ValueError, match="3"):
            optimizers.get(3)

    def test_names_are_numbered_when_none_is_given(self) -> None:
        first, second = Nadam(), Nadam()
        assert first.name != second.name
        assert Nadam(name="mine").name == "mine"


class TestLossScale:
    def test_scale_grows_and_falls(self) -> None:
        v = Variable([1.0])
        optimizer = LossScaleOptimizer(SGD(1.0), initial_scale=8.0, dynamic_growth_steps=2)
        assert float(optimizer.scale_loss(1.0)) == 8.0
        scales = []
        for gradient in (8.0, 8.0, 16.0, np.nan, np.inf, 4.0):
            optimizer.apply([[gradient]], [v])
            scales.append(float(optimizer.scale_loss(convert_to_tensor(1.0))))
        assert scales == [8.0, 16.0, 16.0, 8.0, 4.0, 4.0]
        assert v.item() == 1.0 - 4
        assert int(optimizer.iterations) == 4

    def test_large_finite_gradients_are_finite(self) -> None:
        v = Variable([1.0])
        optimizer = LossScaleOptimizer(SGD(1.0), initial_scale=1e20)
        optimizer.apply([np.array([1e20], "float32")], [v])
        np.testing.assert_allclose(v.item(), 0.0, atol=1e-5)

    def test_inner_optimizer_of_ones_own_gets_unscaled_gradients(self) -> None:
        class Plain(Optimizer):
            def apply(self, grads: Any, trainable_variables: Any = None) -> None:
                for g, v in zip(grads, trainable_variables, strict=True):
                    v.assign_sub(g)

        v = Variable([1.0])
        optimizer = LossScaleOptimizer(Plain(1.0), initial_scale=4.0)
        optimizer.apply([[4.0]], [v])
        assert v.item() == 0.0

    def test_settings_of_the_inner_optimizer_are_refused(self) -> None:
        with pytest.raises(ValueError, match="takes no clipnorm: give it to inner_optimizer"):
            LossScaleOptimizer(SGD(), clipnorm=1.0)
        with pytest.raises(ValueError, match="another optimizer"):
            LossScaleOptimizer("sgd")  # type: ignore[arg-type]
        inner = SGD(loss_scale_factor=4.0)
        LossScaleOptimizer(inner, clipnorm=None, use_ema=False)
        assert inner.loss_scale_factor is None

    def test_learning_rate_is_that_of_the_inner_optimizer(self) -> None:
        inner = SGD(0.5)
        optimizer = LossScaleOptimizer(inner)
        optimizer.learning_rate = 0.25
        assert float(inner.learning_rate) == float(optimizer.learning_rate) == 0.25
