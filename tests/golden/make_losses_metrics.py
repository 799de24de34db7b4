"""Write losses_metrics.npz: what a real Keras gives for the cases that the tests of losses and metrics run.

Run it in an environment that has Keras 3: `KERAS_BACKEND=jax python tests/golden/make_losses_metrics.py`. The cases
(class name, arguments, inputs, masks, weights) are written too, as JSON beside the arrays, so that the tests
read them from the file.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from keras import ops

rng = np.random.default_rng(7)


def f32(array):
    return np.asarray(array, np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return f32(e / e.sum(-1, keepdims=True))


INPUTS = {
    "real_true": f32(rng.normal(size=(6, 4))),
    "real_pred": f32(rng.normal(size=(6, 4))),
    "positive_true": f32(rng.uniform(0.1, 3.0, size=(6, 4))),
    "positive_pred": f32(rng.uniform(0.1, 3.0, size=(6, 4))),
    "binary_true": f32(rng.integers(0, 2, size=(6, 4))),
    "sign_true": f32(rng.integers(0, 2, size=(6, 4)) * 2 - 1),
    "prob_pred": f32(rng.uniform(0.02, 0.98, size=(6, 4))),
    "one_hot": np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=6)],
    "dist_true": softmax(rng.normal(size=(6, 4))),
    "dist_pred": softmax(rng.normal(size=(6, 4))),
    "logits": f32(rng.normal(size=(6, 4)) * 2),
    "classes": rng.integers(0, 4, size=6).astype(np.int32),
    "classes_column": rng.integers(0, 4, size=(6, 1)).astype(np.int32),
    "seq_true": f32(rng.normal(size=(3, 5, 2))),
    "seq_pred": f32(rng.normal(size=(3, 5, 2))),
    "seq_classes": rng.integers(0, 4, size=(3, 5)).astype(np.int32),
    "seq_one_hot": np.eye(4, dtype=np.float32)[rng.integers(0, 4, size=(3, 5))],
    "seq_dist": softmax(rng.normal(size=(3, 5, 4))),
    "seq_logits": f32(rng.normal(size=(3, 5, 4)) * 2),
    "vector_true": f32(rng.normal(size=6)),
    "column_pred": f32(rng.normal(size=(6, 1))),
    "vector_binary": f32(rng.integers(0, 2, size=40)),
    "vector_prob": f32(rng.uniform(size=40).round(2)),
    "column_binary": f32(rng.integers(0, 2, size=(6, 1))),
    "column_prob": f32(rng.uniform(0.02, 0.98, size=(6, 1))),
    "embeddings": f32(rng.normal(size=(6, 3))),
    "labels": np.array([0, 1, 0, 2, 1, 1], np.int32),
    "image_true": rng.integers(0, 3, size=(2, 4, 4)).astype(np.int32),
    "image_pred": rng.integers(0, 3, size=(2, 4, 4)).astype(np.int32),
    "image_one_hot": np.eye(3, dtype=np.float32)[rng.integers(0, 3, size=(2, 4, 4))],
    "image_scores": f32(rng.normal(size=(2, 4, 4, 3))),
    "ranked_ids": rng.permuted(np.tile(np.arange(8), (6, 1)), axis=1).astype(np.int32),
    "weights": f32(rng.uniform(0.2, 2.0, size=6)),
    "weights40": f32(rng.uniform(0.2, 2.0, size=40)),
    "weights_element": f32(rng.uniform(0.2, 2.0, size=(6, 4))),
    "weights_seq": f32(rng.uniform(0.2, 2.0, size=(3, 5))),
    "weights_int": rng.integers(0, 4, size=(2, 4, 4)).astype(np.int32),
    "mask": np.array([1, 0, 1, 1, 0, 1], bool),
    "mask_seq": np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 0, 0, 0]], bool),
}
INPUTS["embeddings"] /= np.linalg.norm(INPUTS["embeddings"], axis=-1, keepdims=True)

REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]

# (class, arguments, target, prediction, weights, mask)
LOSSES = []


def loss(name, true, pred, weights="weights", mask="mask", **arguments):
    for reduction in REDUCTIONS:
        LOSSES.append((name, {**arguments, "reduction": reduction}, true, pred, None, None))
        LOSSES.append((name, {**arguments, "reduction": reduction}, true, pred, weights, None))
        LOSSES.append((name, {**arguments, "reduction": reduction}, true, pred, weights, mask))
    LOSSES.append((name, arguments, true, pred, None, mask))


for simple in ("MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh", "CosineSimilarity"):
    loss(simple, "real_true", "real_pred")
    loss(simple, "seq_true", "seq_pred", "weights_seq", "mask_seq")
loss("MeanSquaredError", "vector_true", "column_pred")
loss("MeanSquaredLogarithmicError", "positive_true", "positive_pred")
loss("Huber", "real_true", "real_pred")
loss("Huber", "real_true", "real_pred", delta=0.3)
loss("CosineSimilarity", "real_true", "real_pred", weights=None, mask=None, axis=0)
loss("Hinge", "binary_true", "real_pred")
loss("Hinge", "sign_true", "real_pred")
loss("Hinge", "real_true", "real_pred")
loss("SquaredHinge", "binary_true", "real_pred")
loss("CategoricalHinge", "one_hot", "real_pred")
loss("KLDivergence", "dist_true", "dist_pred")
loss("Poisson", "positive_true", "positive_pred")
for from_logits, pred in ((False, "prob_pred"), (True, "logits")):
    for smoothing in (0.0, 0.2):
        options = {"from_logits": from_logits, "label_smoothing": smoothing}
        loss("BinaryCrossentropy", "binary_true", pred, **options)
        loss("BinaryFocalCrossentropy", "binary_true", pred, **options)
loss("BinaryCrossentropy", "binary_true", "prob_pred", weights=None, mask=None, axis=0)
loss("BinaryFocalCrossentropy", "binary_true", "prob_pred", apply_class_balancing=True, alpha=0.4, gamma=3.0)
for from_logits, pred, seq in ((False, "dist_pred", "seq_dist"), (True, "logits", "seq_logits")):
    for smoothing in (0.0, 0.2):
        options = {"from_logits": from_logits, "label_smoothing": smoothing}
        loss("CategoricalCrossentropy", "one_hot", pred, **options)
        loss("CategoricalFocalCrossentropy", "one_hot", pred, **options)
    loss("SparseCategoricalCrossentropy", "classes", pred, from_logits=from_logits)
    loss("SparseCategoricalCrossentropy", "classes_column", pred, from_logits=from_logits)
    loss("SparseCategoricalCrossentropy", "classes", pred, from_logits=from_logits, ignore_class=1)
    loss("SparseCategoricalCrossentropy", "seq_classes", seq, "weights_seq", "mask_seq", from_logits=from_logits)
    loss(
        "SparseCategoricalCrossentropy",
        "seq_classes",
        seq,
        "weights_seq",
        "mask_seq",
        from_logits=from_logits,
        ignore_class=2,
    )
    loss("CategoricalCrossentropy", "seq_one_hot", seq, "weights_seq", "mask_seq", from_logits=from_logits)
loss("CategoricalCrossentropy", "one_hot", "prob_pred")
loss("CategoricalFocalCrossentropy", "one_hot", "dist_pred", alpha=0.5, gamma=1.5)
loss("CategoricalGeneralizedCrossEntropy", "classes", "dist_pred", q=0.7)
for overlap in ("Dice", "Tversky"):
    loss(overlap, "binary_true", "prob_pred", None, None)
    loss(overlap, "binary_true", "prob_pred", None, None, axis=1)
loss("Tversky", "binary_true", "prob_pred", None, None, alpha=0.3, beta=0.9)
loss("Circle", "labels", "embeddings")
loss("Circle", "labels", "embeddings", gamma=20.0, margin=0.25, remove_diagonal=False)

# (class, arguments, target, prediction, weights, mask): each is updated with the rows in two parts.
METRICS = []


def metric(name, true, pred, weights="weights", mask="mask", **arguments):
    METRICS.append((name, arguments, true, pred, None, None))
    if weights is not None:
        METRICS.append((name, arguments, true, pred, weights, None))
    if mask is not None:
        METRICS.append((name, arguments, true, pred, weights, mask))
        METRICS.append((name, arguments, true, pred, None, mask))


for simple in (
    "MeanSquaredError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "LogCoshError",
    "CosineSimilarity",
):
    metric(simple, "real_true", "real_pred")
    metric(simple, "seq_true", "seq_pred", "weights_seq", "mask_seq")
metric("CosineSimilarity", "real_true", "real_pred", axis=-1)
metric("RootMeanSquaredError", "real_true", "real_pred", mask=None)
metric("RootMeanSquaredError", "real_true", "real_pred", "weights_element", mask=None)
metric("MeanSquaredLogarithmicError", "positive_true", "positive_pred")
for simple in ("Hinge", "SquaredHinge"):
    metric(simple, "binary_true", "real_pred")
metric("CategoricalHinge", "one_hot", "real_pred")
metric("KLDivergence", "dist_true", "dist_pred")
metric("Poisson", "positive_true", "positive_pred")
metric("BinaryCrossentropy", "binary_true", "prob_pred")
metric("BinaryCrossentropy", "binary_true", "logits", from_logits=True, label_smoothing=0.2)
metric("CategoricalCrossentropy", "one_hot", "dist_pred")
metric("CategoricalCrossentropy", "one_hot", "logits", from_logits=True, label_smoothing=0.2)
metric("SparseCategoricalCrossentropy", "classes", "dist_pred")
metric("SparseCategoricalCrossentropy", "seq_classes", "seq_logits", "weights_seq", "mask_seq", from_logits=True)
metric("SparseCategoricalCrossentropy", "classes", "logits", mask=None, from_logits=True, ignore_class=1)
metric("PearsonCorrelation", "real_true", "real_pred")
metric("ConcordanceCorrelation", "real_true", "real_pred")
metric("ConcordanceCorrelation", "positive_true", "real_pred")
metric("Accuracy", "classes", "labels")
metric("Accuracy", "image_true", "image_pred", None, None)
metric("BinaryAccuracy", "binary_true", "prob_pred")
metric("BinaryAccuracy", "binary_true", "prob_pred", threshold=0.7)
metric("BinaryAccuracy", "column_binary", "column_prob")
metric("CategoricalAccuracy", "one_hot", "dist_pred")
metric("CategoricalAccuracy", "seq_one_hot", "seq_dist", "weights_seq", "mask_seq")
metric("SparseCategoricalAccuracy", "classes", "dist_pred")
metric("SparseCategoricalAccuracy", "classes_column", "dist_pred")
metric("SparseCategoricalAccuracy", "seq_classes", "seq_dist", "weights_seq", "mask_seq")
metric("TopKCategoricalAccuracy", "one_hot", "dist_pred", k=2)
metric("TopKCategoricalAccuracy", "seq_one_hot", "seq_dist", "weights_seq", "mask_seq", k=2)
metric("SparseTopKCategoricalAccuracy", "classes", "dist_pred", k=2)
metric("SparseTopKCategoricalAccuracy", "seq_classes", "seq_dist", "weights_seq", "mask_seq", k=3)
metric("SparseTopKCategoricalAccuracy", "classes", "ranked_ids", k=4, from_sorted_ids=True)
for count in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
    metric(count, "vector_binary", "vector_prob", "weights40", None)
    metric(count, "vector_binary", "vector_prob", "weights40", None, thresholds=[0.2, 0.55, 0.8])
    metric(count, "vector_binary", "vector_prob", "weights40", None, thresholds=[0.0, 0.5, 1.0])
    metric(count, "binary_true", "prob_pred", "weights", None, thresholds=0.4)
for ratio in ("Precision", "Recall"):
    metric(ratio, "vector_binary", "vector_prob", "weights40", None)
    metric(ratio, "binary_true", "prob_pred", "weights", None, thresholds=[0.3, 0.6])
    metric(ratio, "binary_true", "prob_pred", "weights", None, thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])
    metric(ratio, "binary_true", "prob_pred", "weights", None, top_k=2)
    metric(ratio, "binary_true", "prob_pred", "weights", None, class_id=2)
    metric(ratio, "one_hot", "dist_pred", "weights", None, top_k=2, class_id=1)
    metric(ratio, "column_binary", "column_prob", "weights", None)
for at in ("SensitivityAtSpecificity", "SpecificityAtSensitivity", "PrecisionAtRecall", "RecallAtPrecision"):
    key = {"Sens": "specificity", "Spec": "sensitivity", "Prec": "recall", "Reca": "precision"}[at[:4]]
    metric(at, "vector_binary", "vector_prob", "weights40", None, **{key: 0.6})
    metric(at, "vector_binary", "vector_prob", "weights40", None, **{key: 0.5, "num_thresholds": 7})
    metric(at, "binary_true", "prob_pred", "weights", None, **{key: 0.4, "class_id": 1})
    metric(at, "vector_binary", "vector_prob", "weights40", None, **{key: 0.3, "num_thresholds": 1})
for curve in ("ROC", "PR", "PRGAIN"):
    for method in ("interpolation", "minoring", "majoring"):
        options = {"curve": curve, "summation_method": method}
        metric("AUC", "vector_binary", "vector_prob", "weights40", None, **options)
        metric("AUC", "vector_binary", "vector_prob", "weights40", None, thresholds=[0.1, 0.3, 0.8], **options)
        metric("AUC", "binary_true", "prob_pred", "weights", None, multi_label=True, num_labels=4, **options)
metric("AUC", "binary_true", "logits", "weights", None, from_logits=True, num_thresholds=20)
metric("AUC", "binary_true", "prob_pred", "weights", None, label_weights=[0.5, 1.0, 2.0, 0.1])
metric("AUC", "binary_true", "prob_pred", None, None, multi_label=True, label_weights=[0.5, 1.0, 2.0, 0.1])
metric("AUC", "binary_true", "prob_pred", None, None, multi_label=True, thresholds=[0.1, 0.35, 0.8])
metric("IoU", "image_true", "image_pred", "weights_int", None, num_classes=3, target_class_ids=[0, 2])
metric("IoU", "image_true", "image_pred", None, None, num_classes=3, target_class_ids=[1], ignore_class=0)
metric("MeanIoU", "image_true", "image_pred", "weights_int", None, num_classes=3)
metric("MeanIoU", "image_true", "image_pred", None, None, num_classes=5)
metric("BinaryIoU", "binary_true", "prob_pred", None, None, threshold=0.3)
metric("OneHotIoU", "image_one_hot", "image_scores", None, None, num_classes=3, target_class_ids=[0, 1])
metric("OneHotMeanIoU", "image_one_hot", "image_scores", None, None, num_classes=3)
for average in (None, "micro", "macro", "weighted"):
    metric("F1Score", "binary_true", "prob_pred", "weights", None, average=average, threshold=0.5)
    metric("FBetaScore", "one_hot", "dist_pred", "weights", None, average=average, beta=2.0)
for aggregation in (None, "uniform_average", "variance_weighted_average"):
    metric("R2Score", "real_true", "real_pred", "weights", None, class_aggregation=aggregation)
metric("R2Score", "real_true", "real_pred", None, None, num_regressors=2)
metric("R2Score", "real_true", "real_pred", "weights_element", None)
metric("Mean", "real_true", None, "weights", None)
metric("Mean", "real_true", None, "weights_element", None)
metric("Mean", "seq_true", None, "weights_seq", None)
metric("Sum", "real_true", None, "weights", None)
metric("Sum", "seq_true", None, "weights_seq", None)


def tensor(name, rows=slice(None)):
    return None if name is None else ops.convert_to_tensor(INPUTS[name][rows])


def masked(pred, mask, rows=slice(None)):
    if mask is not None:
        # Arrays of JAX carry no attributes: the mask of the reference is found by the class below.
        MASKS[id(pred)] = tensor(mask, rows)
    return pred


MASKS = {}


def get_keras_mask(x):
    return MASKS.get(id(x), getattr(x, "_keras_mask", None))


def set_keras_mask(x, mask):
    KEPT.append(x)
    MASKS[id(x)] = mask


KEPT = []
keras.src.backend.get_keras_mask = get_keras_mask
keras.src.backend.set_keras_mask = set_keras_mask


def main(path):
    arrays = {f"input/{name}": value for name, value in INPUTS.items()}
    for index, (name, arguments, true, pred, weights, mask) in enumerate(LOSSES):
        MASKS.clear()
        instance = getattr(keras.losses, name)(**arguments)
        y_true, y_pred = tensor(true), masked(tensor(pred), mask)
        arrays[f"loss/{index}"] = np.asarray(instance(y_true, y_pred, sample_weight=tensor(weights)))
    configs = {}
    for index, (name, arguments, true, pred, weights, mask) in enumerate(METRICS):
        instance = getattr(keras.metrics, name)(**arguments)
        configs[str(index)] = keras.metrics.serialize(instance)["config"]
        half = len(INPUTS[true]) // 2 + 1
        for part, rows in enumerate((slice(0, half), slice(half, None))):
            MASKS.clear()
            inputs = [tensor(true, rows)]
            if pred is not None:
                inputs.append(masked(tensor(pred, rows), mask, rows))
            instance.update_state(*inputs, sample_weight=tensor(weights, rows))
            arrays[f"metric/{index}/{part}"] = np.asarray(instance.result())
    loss_configs = {
        str(index): keras.losses.serialize(getattr(keras.losses, case[0])(**case[1]))["config"]
        for index, case in enumerate(LOSSES)
    }
    cases = {"losses": LOSSES, "metrics": METRICS, "loss_configs": loss_configs, "metric_configs": configs}
    arrays["cases"] = np.array(json.dumps(cases, default=lambda x: np.asarray(x).tolist()))
    np.savez_compressed(path, **arrays)
    print(f"{len(LOSSES)} losses, {len(METRICS)} metrics, Keras {keras.__version__}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("losses_metrics.npz")))
