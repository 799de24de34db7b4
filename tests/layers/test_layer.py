"""Tests of `Layer`, the base of all layers."""

import json
import threading

import numpy as np
import pytest

from kerasish import KerasTensor, layers, ops
from kerasish.autodiff import GradientTape, Tensor, Variable, convert_to_tensor, reset_names
from kerasish.dtype_policies import DTypePolicy
from kerasish.layers import InputSpec, Layer
from kerasish.random import SeedGenerator


class Scale(Layer):
    def __init__(self, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.initializer = initializer
        self.builds = 0

    def build(self, input_shape):
        self.builds += 1
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer=self.initializer, name="factor")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

    def call(self, inputs):
        return inputs * self.factor


class Pair(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = Scale(name="first")
        self.others = [Scale(name="second"), {"deep": Scale(name="third")}]

    def call(self, inputs, training=None):
        x = self.others[1]["deep"](self.others[0](self.first(inputs)))
        return x + 1 if training else x


X = np.ones((2, 3), np.float32)


# ------------------------------------------------------------------ building


def test_a_layer_is_built_once_with_the_shape_of_the_first_input():
    layer = Scale()
    assert not layer.built
    assert layer.weights == []
    assert layer(X).tolist() == X.tolist()
    layer(X)
    assert layer.built
    assert layer.builds == 1
    assert layer.factor.shape == (3,)


def test_building_twice_by_hand_makes_no_second_set_of_weights_on_a_call():
    layer = Scale()
    layer.build((None, 3))
    layer(X)
    assert len(layer.weights) == 2


def test_several_inputs_give_their_shapes_by_name():
    class Mix(Layer):
        def build(self, first_shape, second_shape):
            self.shapes = first_shape, second_shape

        def call(self, first, second):
            return ops.concatenate([first, second])

    layer = Mix()
    assert layer(np.ones((1, 2)), np.ones((3, 2))).shape == (4, 2)
    assert layer.shapes == ((1, 2), (3, 2))
    assert layer.get_build_config() == {"shapes_dict": {"first_shape": (1, 2), "second_shape": (3, 2)}}
    other = Mix()
    other.build_from_config(json.loads(json.dumps(layer.get_build_config())))
    assert other.shapes == layer.shapes


def test_a_list_of_inputs_gives_a_list_of_shapes():
    class Sum(Layer):
        def build(self, input_shape):
            self.shapes = input_shape

        def call(self, inputs):
            return inputs[0] + inputs[1]

    layer = Sum()
    layer([X, X])
    assert layer.shapes == [(2, 3), (2, 3)]


def test_the_build_config_rebuilds_the_weights():
    layer = Scale()
    layer(X)
    other = Scale()
    other.build_from_config(json.loads(json.dumps(layer.get_build_config())))
    assert [v.shape for v in other.weights] == [v.shape for v in layer.weights]


def test_forgetting_the_constructor_of_the_base_is_explained():
    class Forgetful(Layer):
        def __init__(self):
            self.units = 3

        def call(self, inputs):
            return inputs

    with pytest.raises(RuntimeError, match=r"super\(\).__init__\(\)"):
        Forgetful()(X)


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match=r"Scale.*Received: .*unit"):
        Scale(unit=3)


def test_a_layer_without_a_call_says_so():
    with pytest.raises(NotImplementedError, match="no `call`"):
        Layer()(X)


# ------------------------------------------------------------------ weights


def test_weights_are_named_by_the_path_to_them():
    reset_names()
    layer = Pair(name="pair")
    layer(X)
    assert [v.path for v in layer.weights] == [
        f"pair/{inner}/{name}" for inner in ("first", "second", "third") for name in ("factor", "count")
    ]
    assert layer.first.path == "pair/first"
    dense = layers.Dense(2)
    dense(X)
    assert [v.path for v in dense.weights] == ["dense/kernel", "dense/bias"]


def test_a_weight_made_in_the_constructor_carries_the_name_of_the_layer():
    class Constant(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.value = self.add_weight(shape=(2,), name="value")

    assert Constant(name="c").value.path == "c/value"


def test_layers_in_lists_and_dicts_are_found():
    layer = Pair()
    layer(X)
    assert len(layer.weights) == 6
    assert len(layer.trainable_weights) == 3
    assert len(layer.non_trainable_weights) == 3
    assert [inner.name for inner in layer._flatten_layers(include_self=False)] == ["first", "second", "third"]


def test_variables_set_as_attributes_are_found():
    class Holder(Layer):
        def __init__(self):
            super().__init__()
            self.one = Variable(np.zeros(2, np.float32), name="one")
            self.more = [Variable(np.zeros(3, np.float32), trainable=False, name="two")]
            self.stream = SeedGenerator(1)

    layer = Holder()
    assert [v.name for v in layer.weights] == ["one", "two"]
    assert len(layer.variables) == 3


def test_a_layer_used_in_two_places_is_counted_once():
    class Shared(Layer):
        def __init__(self):
            super().__init__()
            self.a = Scale()
            self.b = self.a

        def call(self, inputs):
            return self.b(self.a(inputs))

    layer = Shared()
    layer(X)
    assert len(layer.weights) == 2
    assert layer.count_params() == 4


def test_get_weights_and_set_weights_are_inverse_and_checked():
    layer = Scale()
    layer(X)
    layer.set_weights([np.array([1.0, 2.0, 3.0]), np.array(5.0)])
    assert [w.tolist() for w in layer.get_weights()] == [[1.0, 2.0, 3.0], 5.0]
    with pytest.raises(ValueError, match=r"has 2 weights.*Received: 1"):
        layer.set_weights([np.ones(3)])
    with pytest.raises(ValueError, match=r"shape \(3,\).*Received: shape=\(4,\)"):
        layer.set_weights([np.ones(4), np.array(1.0)])
    assert layer.factor.tolist() == [1.0, 2.0, 3.0]


def test_a_change_of_got_weights_does_not_change_the_layer():
    layer = Scale()
    layer(X)
    layer.get_weights()[0][:] = 7
    assert layer.factor.tolist() == [1.0, 1.0, 1.0]


def test_own_variables_are_stored_by_number_and_read_back():
    layer, other = Scale("zeros"), Scale()
    layer(X), other(X)
    store = {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    other.load_own_variables(store)
    assert other.factor.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match=r"expects 2 variables.*Received: 1"):
        other.load_own_variables({"0": np.ones(3)})


def test_weights_are_counted_only_when_they_exist():
    with pytest.raises(ValueError, match="build it first"):
        Scale().count_params()


def test_the_defaults_of_weights_follow_their_dtype():
    layer = Layer()
    assert layer.add_weight(shape=3).shape == (3,)
    assert layer.add_weight(dtype="int32").tolist() == 0
    assert layer.add_weight(shape=(2, 2), initializer="ones", dtype="float64").dtype == "float64"


# ------------------------------------------------------------------ freezing


def test_a_frozen_layer_trains_nothing_and_thaws():
    layer = Pair()
    layer(X)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 6
    assert not layer.first.trainable
    with GradientTape() as tape:
        y = ops.sum(layer(X))
    assert tape.gradient(y, layer.weights)[0] is None
    layer.trainable = True
    assert len(layer.trainable_weights) == 3
    with GradientTape() as tape:
        y = ops.sum(layer(X))
    assert tape.gradient(y, [layer.first.factor])[0].tolist() == [2.0, 2.0, 2.0]


def test_freezing_before_the_weights_exist_holds():
    layer = Scale(trainable=False)
    layer(X)
    assert layer.trainable_weights == []
    late = Pair()
    late.trainable = False
    late(X)
    assert late.trainable_weights == []


def test_one_layer_inside_can_be_frozen():
    layer = Pair()
    layer(X)
    layer.first.trainable = False
    assert [v.path.split("/")[-2] for v in layer.trainable_weights] == ["second", "third"]


# ------------------------------------------------------------------ losses


class Penalty(Layer):
    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        return inputs


def test_losses_are_those_of_the_last_call():
    layer = Penalty()
    layer(X)
    layer(2 * X)
    assert [float(loss) for loss in layer.losses] == [12.0]


def test_losses_inside_a_layer_are_collected_and_cleared():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner = [Penalty(), Penalty()]

        def call(self, inputs):
            for layer in self.inner:
                inputs = layer(inputs) * 2
            return inputs

    layer = Outer()
    for _ in range(3):
        layer(X)
    assert [float(loss) for loss in layer.losses] == [6.0, 12.0]


def test_the_activity_regularizer_is_divided_by_the_batch():
    layer = layers.Dense(3, activity_regularizer="l2", kernel_initializer="ones")
    layer(X)
    assert float(layer.losses[0]) == pytest.approx(0.01 * 6 * 9 / 2)
    layer(X)
    assert len(layer.losses) == 1


def test_regularized_weights_lose_their_loss_when_they_are_frozen():
    layer = layers.Dense(3, kernel_regularizer="l1", kernel_initializer="ones")
    layer(X)
    assert float(layer.losses[0]) == pytest.approx(0.09)
    layer.trainable = False
    assert layer.losses == []


def test_a_loss_with_axes_is_refused():
    class Wrong(Layer):
        def call(self, inputs):
            self.add_loss(inputs)
            return inputs

    with pytest.raises(ValueError, match=r"scalar.*'wrong"):
        Wrong()(X)


def test_finding_shapes_adds_no_losses():
    layer = Penalty()
    layer(layers.Input((3,)))
    assert layer.losses == []


# ------------------------------------------------------------------ training


class Mode(Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = []

    def call(self, inputs, training=None):
        self.seen.append(training)
        return inputs


class Around(Layer):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


def test_training_reaches_the_layers_inside_though_the_outer_one_does_not_take_it():
    mode = Mode()
    layer = Around(Around(mode))
    for training in (True, False, None):
        layer(X, training=training)
    layer(X)
    assert mode.seen == [True, False, None, None]


def test_an_explicit_value_wins_over_the_one_around():
    class Fixed(Around):
        def call(self, inputs):
            return self.inner(inputs, training=False)

    mode = Mode()
    Fixed(mode)(X, training=True)
    assert mode.seen == [False]


def test_the_default_of_call_counts_for_the_layers_inside():
    class Training(Around):
        def call(self, inputs, training=True):
            return self.inner(inputs)

    mode = Mode()
    Training(mode)(X)
    assert mode.seen == [True]


def test_repeated_calls_give_the_same_value_of_training():
    mode = Mode()
    for _ in range(3):
        mode(X, training=True)
        mode(X)
    assert mode.seen == [True, None] * 3


def test_training_by_position_is_understood():
    mode = Mode()
    mode(convert_to_tensor(X), None)
    assert mode.seen == [None]


# ------------------------------------------------------------------ inputs


def test_numpy_arrays_lists_of_them_and_integers_are_taken():
    assert isinstance(Scale()(X), Tensor)
    assert layers.Add()([X, X.astype(np.float64)]).dtype == "float32"
    assert layers.Identity()(np.arange(3)).dtype == "int64"


def test_floats_are_cast_to_the_dtype_of_the_layer_and_integers_are_not():
    assert Scale()(X.astype(np.float64)).dtype == "float32"
    assert Scale(dtype="float64")(X).dtype == "float64"
    assert layers.Identity(autocast=False)(X.astype(np.float64)).dtype == "float64"
    assert layers.Identity()(np.ones((2, 3), np.int32)).dtype == "int32"


def test_something_that_is_no_tensor_is_refused_as_a_positional_argument():
    with pytest.raises(ValueError, match=r"'s'.*Received: 'text'"):
        Scale(name="s")("text")


def test_the_input_spec_is_checked_with_the_name_of_the_layer():
    class Strict(Scale):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.input_spec = InputSpec(ndim=2, axes={-1: 3})

    layer = Strict(name="strict")
    layer(X)
    for wrong, expected in ((np.ones((2, 3, 3)), "ndim=2"), (np.ones((2, 4)), "axis -1 to have size 3")):
        with pytest.raises(ValueError, match=rf"'strict'.*{expected}.*Received: shape="):
            layer(wrong)
        with pytest.raises(ValueError, match=rf"'strict'.*{expected}"):
            layer(layers.Input(wrong.shape[1:]))


@pytest.mark.parametrize(
    ("spec", "shape", "problem"),
    [
        ({"shape": (None, 3)}, (2, 4), "shape"),
        ({"min_ndim": 3}, (2, 4), "min_ndim=3"),
        ({"max_ndim": 1}, (2, 4), "max_ndim=1"),
        ({"dtype": "int32"}, (2, 4), "dtype=int32"),
    ],
)
def test_each_demand_of_an_input_spec_is_checked(spec, shape, problem):
    layer = layers.Identity()
    layer.input_spec = InputSpec(**spec)
    with pytest.raises(ValueError, match=problem):
        layer(np.ones(shape, np.float32))


def test_several_specs_want_as_many_inputs():
    layer = layers.Add()
    layer.input_spec = [InputSpec(ndim=2), InputSpec(ndim=2)]
    layer([X, X])
    with pytest.raises(ValueError, match=r"expects 2 input\(s\). Received: 3"):
        layer([X, X, X])


# ------------------------------------------------------------------ masks


def masked(values, mask):
    tensor = convert_to_tensor(np.asarray(values, np.float32))
    tensor._keras_mask = convert_to_tensor(np.asarray(mask))
    return tensor


class Masked(Layer):
    def call(self, inputs, mask=None):
        self.seen = mask
        return inputs + 1


def test_a_mask_is_handed_to_call_and_passed_on_where_it_is_supported():
    layer = Masked()
    layer.supports_masking = True
    y = layer(masked([[1.0], [2.0]], [True, False]))
    assert layer.seen.tolist() == [True, False]
    assert y._keras_mask.tolist() == [True, False]
    layer(np.ones((2, 1)), mask=np.array([False, True]))
    assert layer.seen.tolist() == [False, True]


def test_a_layer_that_does_not_support_masks_warns_and_drops_them():
    with pytest.warns(UserWarning, match=r"'m'.*does not support masks"):
        y = Masked(name="m")(masked([[1.0]], [True]))
    assert y._keras_mask is None


def test_a_layer_that_computes_masks_supports_them():
    class Inverted(Layer):
        def call(self, inputs):
            return inputs + 1

        def compute_mask(self, inputs, previous_mask):
            return ~previous_mask

    layer = Inverted()
    assert layer.supports_masking
    assert not Masked().supports_masking
    assert layer(masked([[1.0], [2.0]], [True, False]))._keras_mask.tolist() == [False, True]


def test_masks_of_several_arguments_go_to_arguments_of_their_names():
    class Two(Layer):
        def call(self, query, value, query_mask=None, value_mask=None):
            self.seen = query_mask, value_mask
            return query + value

    layer = Two()
    layer.supports_masking = True
    layer(masked([[1.0]], [True]), masked([[1.0]], [False]))
    assert [mask.tolist() for mask in layer.seen] == [[True], [False]]


def test_the_mask_survives_a_cast_of_the_input():
    layer = Masked(dtype="float64")
    layer.supports_masking = True
    layer(masked([[1.0]], [True]))
    assert layer.seen.tolist() == [True]


# ------------------------------------------------------------------ dtypes


def test_mixed_precision_computes_in_half_and_keeps_weights_in_float32():
    layer = Scale(dtype="mixed_float16")
    y = layer(X)
    assert (y.dtype, layer.factor.dtype) == ("float16", "float32")
    assert (layer.dtype, layer.compute_dtype, layer.variable_dtype) == ("float32", "float16", "float32")
    with GradientTape() as tape:
        loss = ops.sum(layer(X))
    assert tape.gradient(loss, [layer.factor])[0].dtype == "float32"


def test_a_layer_of_full_precision_inside_one_of_half_computes_in_full():
    class Outer(Layer):
        def __init__(self):
            super().__init__(dtype="mixed_float16")
            self.inner = Scale(dtype="float32")

        def call(self, inputs):
            self.between = self.inner(inputs)
            return self.between

    layer = Outer()
    layer(X)
    assert layer.between.dtype == "float32"


def test_the_policy_can_be_changed():
    layer = Scale()
    layer(X)
    layer.dtype_policy = "mixed_float16"
    assert layer(X).dtype == "float16"
    assert layer.dtype_policy == DTypePolicy("mixed_float16")


# ------------------------------------------------------------------ configs


def test_the_config_of_a_layer_without_get_config_holds_its_arguments():
    class Auto(Layer):
        def __init__(self, units, rate=0.5, **kwargs):
            super().__init__(**kwargs)

        def call(self, inputs):
            return inputs

    layer = Auto(3, rate=0.25, name="a")
    config = json.loads(json.dumps(layer.get_config()))
    assert (config["units"], config["rate"], config["name"]) == (3, 0.25, "a")
    assert Auto.from_config(config).get_config() == config


def test_arguments_that_cannot_be_serialized_ask_for_a_get_config():
    class Odd(Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(NotImplementedError, match=r"Odd.*get_config"):
        Odd(object()).get_config()


def test_serialize_names_the_class_and_deserialize_finds_it():
    layer = layers.Dense(3, name="d")
    layer(X)
    config = json.loads(json.dumps(layers.serialize(layer)))
    assert config["module"] == "keras.layers"
    assert config["class_name"] == "Dense"
    again = layers.deserialize(config)
    assert [v.shape for v in again.weights] == [(3, 3), (3,)]
    with pytest.raises(ValueError, match="Unknown layer"):
        layers.deserialize({"class_name": "Nonsense", "config": {}})


def test_get_takes_names_configs_and_layers():
    layer = layers.Flatten()
    assert layers.get(layer) is layer
    assert isinstance(layers.get("Flatten"), layers.Flatten)
    assert isinstance(layers.get(layers.serialize(layer)), layers.Flatten)
    with pytest.raises(ValueError, match="Received: "):
        layers.get(3)


def test_every_layer_is_listed_under_its_name():
    for name, cls in layers.ALL_OBJECTS.items():
        assert issubclass(cls, Layer), name
    assert layers.ALL_OBJECTS["Dense"] is layers.Dense


# ------------------------------------------------------------------ symbols


def test_a_symbolic_call_builds_the_layer_and_remembers_where_the_output_comes_from():
    layer = Scale()
    x = layers.Input((3,))
    y = layer(x)
    assert isinstance(y, KerasTensor)
    assert (y.shape, y.dtype) == ((None, 3), "float32")
    assert layer.built
    assert layer.input is x
    assert layer.output is y
    layer(x)
    with pytest.raises(AttributeError, match="called 2 times"):
        layer.output  # noqa: B018


def test_a_layer_can_take_symbols_by_keyword_and_several_of_them():
    class Mix(Layer):
        def call(self, first, second=None):
            return first if second is None else ops.concatenate([first, second], axis=-1)

    layer = Mix()
    assert layer(layers.Input((2,)), second=layers.Input((3,))).shape == (None, 5)


def test_the_output_shape_is_found_without_computing():
    assert Scale().compute_output_shape((None, 3)) == (None, 3)
    assert layers.Dense(4).compute_output_shape((None, 7, 3)) == (None, 7, 4)


def test_a_layer_with_several_outputs_gives_their_structure():
    class Split(Layer):
        def call(self, inputs):
            return {"sum": ops.sum(inputs, axis=-1), "parts": (inputs, inputs * 2)}

    y = Split()(layers.Input((3,)))
    assert y["sum"].shape == (None,)
    assert [part.shape for part in y["parts"]] == [(None, 3), (None, 3)]


# ------------------------------------------------------------------ threads


def test_concurrent_calls_do_not_disturb_each_other():
    class Slow(Around):
        def call(self, inputs, training=None):
            barrier.wait()
            y = self.inner(inputs)
            barrier.wait()
            return y

    class Report(Layer):
        def call(self, inputs, training=None):
            return inputs * (2.0 if training else 3.0)

    barrier = threading.Barrier(4, timeout=10)
    inner = Report()
    results = {}

    def work(number):
        layer = Slow(inner)
        results[number] = float(layer(np.ones((1, 1), np.float32), training=number % 2 == 0).numpy()[0, 0])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: 2.0, 1: 3.0, 2: 2.0, 3: 3.0}


def test_a_failing_call_leaves_no_state_behind():
    class Failing(Layer):
        def call(self, inputs):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Failing()(X, training=True)
    mode = Mode()
    Around(mode)(X)
    assert mode.seen == [None]
    layer = layers.Dense(1, name="after")
    layer(X)
    assert layer.weights[0].path == "after/kernel"
