"""Class weights, as weights of the samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import numpy_dtype


def check_class_weight(class_weight: Any) -> dict[int, float]:
    """The dict with ints as keys and floats as values; an error if it is none."""
    if not isinstance(class_weight, dict):
        raise ValueError(
            f"Expected class_weight to be a dict from classes (ints) to weights. Received: {class_weight!r}"
        )
    checked = {}
    for label, weight in class_weight.items():
        whole = isinstance(label, (int, np.integer)) and not isinstance(label, bool) and label >= 0
        try:
            value = float(weight)
        except (TypeError, ValueError):
            value = math.nan
        if not whole or not math.isfinite(value):
            raise ValueError(
                "Expected class_weight to map classes (ints from 0 on) to finite numbers. "
                f"Received: class_weight={{{label!r}: {weight!r}}}"
            )
        checked[int(label)] = value
    return checked


def class_weight_to_sample_weight(y: Any, class_weight: Any) -> np.ndarray[Any, Any]:
    """The weight of each sample: that of its class.

    Args:
        y: Targets of one output: classes of shape (n,) or (n, 1), or one-hot rows of shape (n, classes).
        class_weight: A dict from classes to weights. Classes that are absent weigh 1.

    Returns:
        An array of shape (n,) in the default float type; for targets of shape (n, time, classes) of shape (n, time).

    >>> class_weight_to_sample_weight(np.array([0, 1, 1]), {0: 1.0, 1: 2.0}).tolist()
    [1.0, 2.0, 2.0]
    """
    weights = check_class_weight(class_weight)
    if y is None:
        raise ValueError("class_weight needs targets. Received: y=None")
    if isinstance(y, dict) or (isinstance(y, (list, tuple)) and any(hasattr(member, "shape") for member in y)):
        if len(tree.flatten(y)) != 1:
            raise ValueError(
                "class_weight is for models of one output; give sample_weight instead. "
                f"Received: targets for {len(tree.flatten(y))} outputs"
            )
        y = tree.flatten(y)[0]
    labels = y.numpy() if isinstance(y, Tensor) else np.asarray(y)
    if labels.ndim > 1:
        if labels.shape[-1] != 1:
            classes = labels.shape[-1]
            too_large = [label for label in weights if label >= classes]
            if too_large:
                raise ValueError(
                    f"class_weight names the classes {too_large}, but the targets have {classes} classes. "
                    f"Received: class_weight={class_weight!r}"
                )
            labels = labels.argmax(axis=-1)
        else:
            labels = labels[..., 0]
    labels = np.round(labels).astype(np.int64)
    result = np.ones(labels.shape, numpy_dtype(None))
    for label, weight in weights.items():
        result[labels == label] = weight
    return result
