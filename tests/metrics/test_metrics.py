"""Metrics: state, tracking, stateless use, tapes, names, configs, errors."""

import numpy as np
import pytest

from kerasish import metrics, ops
from kerasish.autodiff import GradientTape, Variable, state

TRUE = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 4.0]], np.float32)
PRED = np.array([[1.0, 1.0], [0.0, 1.0], [4.0, 5.0]], np.float32)


def test_the_mean_runs_over_all_updates_and_starts_afresh_after_a_reset():
    mean = metrics.Mean()
    assert float(mean.result()) == 0.0
    mean.update_state(3.0)
    mean.update_state([1.0, 2.0], sample_weight=[0.0, 2.0])
    assert float(mean.result()) == pytest.approx((3.0 + 4.0) / 3.0)
    mean.reset_state()
    assert [float(v) for v in mean.variables] == [0.0, 0.0]
    assert float(mean([[1.0, 3.0], [5.0, 7.0]])) == 4.0


def test_a_result_does_not_change_with_later_updates():
    for metric in (metrics.Sum(), metrics.Mean()):
        first = metric([2.0])
        metric.update_state([8.0])
        assert float(first) == 2.0


def test_a_scalar_weight_counts_as_that_many_samples():
    mean = metrics.Mean()
    mean.update_state(1.0, sample_weight=3)
    mean.update_state(5.0, sample_weight=1)
    assert float(mean.result()) == 2.0


def test_state_is_updated_in_place():
    metric = metrics.MeanSquaredError()
    arrays = [v.array for v in metric.variables]
    metric.update_state(TRUE, PRED)
    metric.reset_state()
    assert all(v.array is array for v, array in zip(metric.variables, arrays, strict=True))


def test_no_tape_records_an_update():
    class Watchful(metrics.Mean):
        def update_state(self, values, sample_weight=None):
            self.tapes = state.tapes
            self.nodes = (values * 2.0).node
            super().update_state(values, sample_weight)
            if sample_weight is not None:
                raise KeyError

    pred = Variable(PRED)
    metric = Watchful()
    with GradientTape() as tape:
        metric.update_state(pred)
        with pytest.raises(KeyError):
            metric.update_state(pred, sample_weight=1.0)
        assert metric.tapes == ()
        assert metric.nodes is None
        assert state.tapes == (tape,)
        assert (pred * 2.0).node is not None


def test_no_value_is_read_back_by_an_update(monkeypatch):
    from kerasish.autodiff.tensor import Tensor

    instances = [
        metrics.Mean(),
        metrics.SparseCategoricalAccuracy(),
        metrics.TopKCategoricalAccuracy(k=1),
        metrics.BinaryCrossentropy(),
        metrics.Precision(),
        metrics.Recall(thresholds=[0.1, 0.2, 0.9]),
        metrics.AUC(),
        metrics.F1Score(),
        metrics.R2Score(),
        metrics.MeanIoU(2),
        metrics.Hinge(),
    ]
    binary, scores = ops.array([[0.0, 1.0], [1.0, 0.0]]), ops.array([[0.2, 0.8], [0.7, 0.3]])
    classes = ops.array([1, 0])
    inputs = {"Mean": (scores,), "SparseCategoricalAccuracy": (classes, scores), "MeanIoU": (classes, classes)}
    for metric in instances:
        metric.update_state(*inputs.get(type(metric).__name__, (binary, scores)))

    def refuse(self, *args, **kwargs):
        raise AssertionError("a value was read back")

    for name in ("numpy", "item", "tolist", "__bool__", "__float__", "__int__", "__array__", "__index__"):
        monkeypatch.setattr(Tensor, name, refuse)
    for metric in instances:
        metric.update_state(*inputs.get(type(metric).__name__, (binary, scores)))


def test_variables_and_metrics_held_as_attributes_are_tracked_once():
    class Pair(metrics.Metric):
        def __init__(self):
            super().__init__(name="pair")
            self.own = self.add_weight(name="own")
            self.alias = self.own
            self.parts = [metrics.Sum(), metrics.Mean()]
            self.free = Variable(0.0, trainable=False)

        def update_state(self, values):
            for part in self.parts:
                part.update_state(values)

        def result(self):
            return {"sum": self.parts[0].result(), "mean": self.parts[1].result()}

    pair = Pair()
    assert [v.name for v in pair.variables][:1] == ["own"]
    assert len(pair.variables) == 5
    assert pair.variables[0].path == "pair/own"
    assert not any(v.trainable for v in pair.variables)
    result = pair([1.0, 3.0])
    assert {key: float(value) for key, value in result.items()} == {"sum": 4.0, "mean": 2.0}


def test_a_metric_that_forgets_its_base_says_so():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_variable((), "zeros")

    with pytest.raises(RuntimeError, match=r"Forgetful.*super\(\).__init__\(\)"):
        Forgetful()


def test_stateless_methods_leave_the_state_alone():
    mean = metrics.Mean()
    mean.update_state([10.0])
    before = mean.stateless_reset_state()
    assert [float(v) for v in before] == [0.0, 0.0]
    before = mean.stateless_update_state(before, [1.0, 3.0])
    later = mean.stateless_update_state(before, [5.0])
    assert float(mean.stateless_result(before)) == 2.0
    assert float(mean.stateless_result(later)) == 3.0
    assert float(mean.result()) == 10.0
    with pytest.raises(ValueError, match=r"2 variables of the metric 'mean'. Received: 1 values"):
        mean.stateless_result(before[:1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_dtype_of_a_metric_is_that_of_its_state(dtype):
    metric = metrics.MeanSquaredError(dtype=dtype)
    assert float(metric(TRUE, PRED)) == pytest.approx(float(((TRUE - PRED) ** 2).mean()), rel=1e-3)
    assert metric.result().dtype == dtype
    assert metric.get_config()["dtype"] == dtype


def test_predictions_that_are_not_numbers_exceed_no_threshold():
    auc = metrics.AUC(num_thresholds=3)
    auc.update_state([1.0, 1.0, 0.0], [np.nan, 0.9, 0.2])
    assert auc.true_positives.numpy().tolist() == [2.0, 1.0, 0.0]


def test_metrics_without_a_batch_have_a_result():
    for metric in (metrics.AUC(multi_label=True), metrics.R2Score(), metrics.Precision(), metrics.MeanIoU(2)):
        assert float(metric.result()) == 0.0


def test_targets_all_alike_have_no_r2_score_but_zero():
    assert float(metrics.R2Score()([[1.0], [1.0]], [[1.0], [2.0]])) == 0.0
    with pytest.warns(UserWarning, match="needs more samples"):
        metrics.R2Score(num_regressors=9)([[1.0], [2.0]], [[1.0], [2.0]])


def test_classes_outside_of_the_matrix_do_not_count():
    iou = metrics.MeanIoU(2)
    iou.update_state([0, 1, 255, 0, -1], [0, 1, 0, 7, 1])
    assert iou.total_cm.numpy().tolist() == [[1, 0], [0, 1]]
    assert float(iou.result()) == pytest.approx(1.0)


def test_float_weights_of_integer_counts_are_warned_of():
    with pytest.warns(UserWarning, match="cut to integers"):
        metrics.MeanIoU(2).update_state([0, 1], [0, 1], sample_weight=np.float32([0.5, 1.5]))


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("mse", "MeanSquaredError"),
        ("MSE", "MeanSquaredError"),
        ("mae", "MeanAbsoluteError"),
        ("bce", "BinaryCrossentropy"),
        ("AUC", "AUC"),
        ("auc", "AUC"),
        ("mean_squared_error", "MeanSquaredError"),
        ("f1_score", "F1Score"),
        ("kl_divergence", "KLDivergence"),
        ("logcosh", "LogCoshError"),
        ("cosine_proximity", "CosineSimilarity"),
        ("sparse_categorical_accuracy", "SparseCategoricalAccuracy"),
        ("Precision", "Precision"),
    ],
)
def test_names_stand_for_metrics(name, cls):
    assert type(metrics.get(name)).__name__ == cls
    assert type(metrics.deserialize(name)).__name__ == cls


def test_functions_and_configs_are_metrics_and_others_are_not():
    assert metrics.get(None) is None
    assert metrics.get(metrics.mean_squared_error) is metrics.mean_squared_error
    assert metrics.get("huber") is metrics.huber
    entry = {"module": "builtins", "class_name": "function", "config": "mean_squared_error", "registered_name": "x"}
    assert metrics.get(entry) is metrics.mean_squared_error
    with pytest.raises(ValueError, match=r"Unknown metric .* 'nonsense'"):
        metrics.get("nonsense")


def test_the_wrapper_of_keras_2_names_its_function_by_a_string():
    entry = {
        "class_name": "MeanMetricWrapper",
        "config": {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"},
    }
    metric = metrics.deserialize(entry)
    assert metric.name == "accuracy"
    assert float(metric([1, 0], np.float32([[0.3, 0.7], [0.4, 0.6]]))) == 0.5
    again = metrics.deserialize(metrics.serialize(metric))
    assert again._fn is metrics.sparse_categorical_accuracy


def test_a_wrapped_function_of_the_users_own_comes_back_with_custom_objects():
    def distance(y_true, y_pred, scale=1.0):
        return ops.abs(ops.subtract(y_true, y_pred)) * scale

    metric = metrics.MeanMetricWrapper(distance, name="distance", scale=2.0)
    again = metrics.deserialize(metrics.serialize(metric), custom_objects={"distance": distance})
    assert float(again(np.float32([1.0]), np.float32([4.0]))) == 6.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(curve="ROCK"), "curve must be one of"),
        (lambda: metrics.AUC(summation_method="guess"), "summation_method must be one of"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be at least 2"),
        (lambda: metrics.AUC(num_labels=3), "num_labels is for multi_label=True only"),
        (lambda: metrics.AUC(multi_label=True)([1.0], [1.0]), r"\(samples, labels\)"),
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), r"Thresholds must lie in \[0, 1\]"),
        (lambda: metrics.Precision(class_id=1)([1.0], [1.0]), "With class_id"),
        (lambda: metrics.PrecisionAtRecall(1.5), r"recall must lie in \[0, 1\]"),
        (lambda: metrics.PrecisionAtRecall(0.5, num_thresholds=0), "num_thresholds must be at least 1"),
        (lambda: metrics.IoU(2, [2]), "target_class_ids must be numbers of the 2 classes"),
        (lambda: metrics.F1Score(average="some"), "average must be one of"),
        (lambda: metrics.FBetaScore(beta=0.0), "beta must be a positive float"),
        (lambda: metrics.F1Score(threshold=2.0), "threshold must be a float"),
        (lambda: metrics.F1Score()([1.0], [1.0]), r"\(samples, classes\)"),
        (lambda: metrics.R2Score("sum"), "class_aggregation must be one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors must be at least 0"),
        (lambda: metrics.R2Score()([[[1.0]]], [[[1.0]]]), r"\(samples, outputs\)"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_counts_of_each_label_are_those_of_comparing_with_each_threshold():
    rng = np.random.default_rng(1)
    labels, scores = rng.integers(0, 2, (20, 3)), np.float32(rng.uniform(size=(20, 3)))
    auc = metrics.AUC(num_thresholds=6, multi_label=True)
    auc.update_state(labels, scores)
    above = scores[None] > np.float32(auc.thresholds)[:, None, None]
    np.testing.assert_array_equal(auc.true_positives.numpy(), (above & (labels == 1)).sum(1))
    np.testing.assert_array_equal(auc.false_positives.numpy(), (above & (labels == 0)).sum(1))
    np.testing.assert_array_equal(auc.false_negatives.numpy(), (~above & (labels == 1)).sum(1))
    np.testing.assert_array_equal(auc.true_negatives.numpy(), (~above & (labels == 0)).sum(1))


def test_a_sample_of_zeros_predicts_no_class():
    score = metrics.F1Score()
    score.update_state([[1.0, 0.0]], [[0.0, 0.0]])
    assert score.true_positives.numpy().tolist() == [0.0, 0.0]
    assert score.false_positives.numpy().tolist() == [0.0, 0.0]
