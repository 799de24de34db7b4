"""Losses: names, configs, weights, masks, dtypes, gradients, errors."""

import warnings

import numpy as np
import pytest

from kerasish import losses, ops
from kerasish.autodiff import GradientTape, Variable, state

TRUE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 4.0]], np.float32)
PRED = np.array([[1.0, 1.0], [0.0, 1.0], [4.0, 5.0]], np.float32)


class Plain(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


def test_a_loss_of_the_users_own_gets_tensors_of_its_dtype_and_is_reduced():
    seen = []

    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            seen.extend([y_true.dtype, y_pred.dtype])
            return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    value = Mine(dtype="float64")([[1, 2]], np.float32([[0.0, 4.0]]))
    assert seen == ["float64", "float64"]
    assert float(value) == 1.5
    assert Mine().name == Mine.__name__.lower() or Mine().name.startswith("mine")


def test_the_fast_mean_is_the_mean_of_the_slow_way():
    for cls in losses.CLASSES:
        if cls.__dict__.get("elementwise") is None:
            continue
        y_true, y_pred = ops.convert_to_tensor(TRUE / 5 + 0.1), ops.convert_to_tensor(PRED / 8 + 0.1)
        fast = float(cls()(y_true, y_pred))
        slow = float(cls()(y_true, y_pred, sample_weight=np.ones(3, np.float32)))
        assert fast == pytest.approx(slow, rel=1e-6), cls


def test_an_unweighted_loss_is_one_operation_and_a_mean():
    logits = Variable(np.zeros((3, 4), np.float32))
    with GradientTape():
        value = losses.SparseCategoricalCrossentropy(from_logits=True)(ops.array([0, 1, 2]), logits)
    (values,) = value.node.inputs
    assert value.node.primitive.name == "mean"
    assert values.node.primitive.name == "sparse_categorical_crossentropy"
    assert values.node.inputs[1] is logits


def test_sample_weights_of_sequences_spread_over_the_steps():
    y_true, y_pred = np.zeros((2, 3, 1), np.float32), np.ones((2, 3, 1), np.float32)
    value = losses.MeanSquaredError("none")(y_true, y_pred, sample_weight=np.float32([1.0, 2.0]))
    assert value.tolist() == [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]


def test_masked_steps_do_not_count_and_go_with_weights_of_samples():
    y_pred = ops.convert_to_tensor(np.array([[[1.0], [5.0]], [[3.0], [7.0]]], np.float32))
    y_pred._keras_mask = ops.convert_to_tensor([[True, False], [True, True]])
    y_true = np.zeros((2, 2, 1), np.float32)
    assert float(losses.MeanAbsoluteError()(y_true, y_pred)) == pytest.approx((1 + 3 + 7) / 3)
    weighted = losses.MeanAbsoluteError("sum")(y_true, y_pred, sample_weight=[2.0, 1.0])
    assert float(weighted) == pytest.approx(2 * 1 + 3 + 7)


def test_a_mask_that_masks_everything_gives_zero():
    y_pred = ops.convert_to_tensor(PRED)
    y_pred._keras_mask = ops.convert_to_tensor([False, False, False])
    assert float(losses.MeanSquaredError()(TRUE, y_pred)) == 0.0


def test_an_empty_batch_has_no_loss_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = losses.MeanSquaredError()(np.zeros((0, 2), np.float32), ops.zeros((0, 2)))
    assert value.shape == (0,)


def test_half_precision_predictions_are_computed_in_float32():
    value = losses.MeanSquaredError()(TRUE, ops.convert_to_tensor(PRED, "float16"))
    assert value.dtype == "float32"
    assert losses.MeanSquaredError(dtype="float64")(TRUE, ops.convert_to_tensor(PRED)).dtype == "float64"


def test_structures_of_targets_and_predictions_reach_the_function():
    def fn(y_true, y_pred):
        return ops.abs(y_true["a"] - y_pred["a"]) + ops.abs(y_true["b"] - y_pred["b"])

    loss = losses.LossFunctionWrapper(fn, reduction="sum")
    y_true = {"a": np.float32([1.0]), "b": np.float32([2.0])}
    assert float(loss(y_true, {"a": np.float32([0.0]), "b": np.float32([0.0])})) == 3.0


@pytest.mark.parametrize(
    ("loss", "y_true"),
    [
        (losses.MeanSquaredError(), TRUE),
        (losses.Huber(), TRUE),
        (losses.LogCosh(), TRUE),
        (losses.CosineSimilarity(), TRUE),
        (losses.Hinge(), np.float64([[0, 1], [1, 1], [0, 0]])),
        (losses.CategoricalHinge(), np.eye(2)[[0, 1, 1]]),
        (losses.BinaryFocalCrossentropy(from_logits=True), np.eye(2)[[0, 1, 1]]),
        (losses.CategoricalFocalCrossentropy(from_logits=True), np.eye(2)[[0, 1, 1]]),
        (losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0), np.array([0, 1, 1])),
        (losses.Dice(), np.eye(2)[[0, 1, 1]]),
        (losses.Tversky(), np.eye(2)[[0, 1, 1]]),
        (losses.Circle(gamma=2.0), np.array([0, 1, 1])),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, losses.Loss) else "",
)
def test_the_gradient_is_that_of_the_loss(loss, y_true):
    start = np.array([[0.3, -0.2], [0.6, 0.9], [0.4, 0.5]])
    loss = type(loss).from_config({**loss.get_config(), "dtype": "float64"})
    pred = Variable(start)
    with GradientTape() as tape:
        value = loss(y_true, pred)
    gradient = tape.gradient(value, pred).numpy()
    numeric = np.zeros_like(start)
    for place in np.ndindex(start.shape):
        for sign in (1, -1):
            moved = start.copy()
            moved[place] += sign * 1e-6
            numeric[place] += sign * float(loss(y_true, ops.convert_to_tensor(moved))) / 2e-6
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", losses.mean_squared_error),
        ("MSE", losses.mean_squared_error),
        ("mae", losses.mean_absolute_error),
        ("mape", losses.mean_absolute_percentage_error),
        ("msle", losses.mean_squared_logarithmic_error),
        ("bce", losses.binary_crossentropy),
        ("kld", losses.kl_divergence),
        ("KLD", losses.kl_divergence),
        ("kullback_leibler_divergence", losses.kl_divergence),
        ("logcosh", losses.log_cosh),
        ("cosine_proximity", losses.cosine_similarity),
        ("hinge", losses.hinge),
        ("circle", losses.circle),
    ],
)
def test_names_stand_for_functions(name, function):
    assert losses.get(name) is function
    assert losses.deserialize(name) is function


def test_class_names_configs_and_functions_are_losses_and_others_are_not():
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert isinstance(losses.get(losses.Hinge), losses.Hinge)
    assert losses.get(None) is None
    entry = {"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "x"}
    assert losses.get(entry) is losses.mean_squared_error
    with pytest.raises(ValueError, match=r"Unknown .* 'nonsense'"):
        losses.get("nonsense")
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("Huber", {"reduction": "auto", "name": "huber_loss", "delta": 0.5, "fn": "huber"}, {"delta": 0.5}),
        ("MeanSquaredError", {"reduction": "auto", "name": "mean_squared_error", "fn": "mean_squared_error"}, {}),
        (
            "SparseCategoricalCrossentropy",
            {"reduction": "auto", "name": "x", "from_logits": True, "ignore_class": None, "fn": "whatever"},
            {"from_logits": True, "name": "x"},
        ),
    ],
)
def test_configs_of_keras_2_are_read(name, config, expected):
    loss = losses.deserialize({"class_name": name, "config": config})
    assert loss.reduction == "sum_over_batch_size"
    assert {key: loss.get_config()[key] for key in expected} == expected


def test_arguments_that_keras_loses_survive_here():
    for loss in (losses.Huber(0.5), losses.CosineSimilarity(axis=0), losses.SparseCategoricalCrossentropy(axis=1)):
        again = losses.deserialize(losses.serialize(loss))
        assert again.get_config() == loss.get_config()
        assert again._fn_kwargs == loss._fn_kwargs


def test_a_wrapped_function_survives_its_config():
    loss = losses.LossFunctionWrapper(losses.huber, name="mine", delta=0.5)
    again = losses.deserialize(losses.serialize(loss))
    assert float(again(TRUE, PRED)) == pytest.approx(float(losses.Huber(0.5)(TRUE, PRED)))


def test_functions_take_lists_and_arrays():
    assert losses.mean_squared_error([1, 3], [2.0, 3.0]).item() == 0.5
    assert losses.mean_squared_error(TRUE[:, 0], PRED[:, :1]).shape == (3,)


def test_one_column_for_classes_is_warned_of():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        losses.categorical_crossentropy([[1.0]], [[0.5]])
    with pytest.raises(ValueError, match="axis must be an integer"):
        losses.categorical_crossentropy([[1.0, 0.0]], [[0.5, 0.5]], axis=True)
    with pytest.raises(ValueError, match="q must lie between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(1.0)


def test_classes_beyond_float_precision_are_told_apart():
    number = 2**24 + 1
    y_pred = ops.broadcast_to(ops.convert_to_tensor([[0.5]]), (1, 2))
    masked = losses.sparse_categorical_crossentropy(np.array([number]), y_pred, ignore_class=number - 1)
    assert masked._keras_mask.tolist() == [True]


def test_nothing_is_left_recording():
    assert state.tapes == ()
