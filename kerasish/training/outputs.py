"""Settings that are given per output (losses, metrics, weights), matched with the outputs of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.autodiff import Tensor


def flatten_outputs(y: Any) -> list[Any]:
    """The leaves of outputs or targets; a list of numbers counts as one of them.

    >>> flatten_outputs({"b": 2, "a": 1})
    [1, 2]
    """
    return [y] if isinstance(y, Tensor) else tree.flatten(y)


def output_names(y_pred: Any, names: list[str] | None) -> list[str]:
    """A name for each output: the keys of a dict, the model's own names, or "output_0", …

    >>> output_names([0.0, 0.0], None)
    ['output_0', 'output_1']
    """
    flat = flatten_outputs(y_pred)
    if isinstance(y_pred, dict) and len(flat) == len(y_pred):
        return sorted(y_pred)
    if names is not None and len(names) == len(flat):
        return list(names)
    return [f"output_{position}" for position in range(len(flat))]


def per_output(value: Any, names: list[str], what: str, missing: bool = True) -> list[Any]:
    """One entry for each output from a single value, a list in their order, or a dict by name.

    Args:
        value: The setting as the user gave it.
        names: The names of the outputs.
        what: The argument's name, for errors.
        missing: Whether a dict may leave outputs out.

    >>> per_output({"b": "mse"}, ["a", "b"], "loss")
    [None, 'mse']
    """
    if value is None:
        return [None] * len(names)
    if isinstance(value, dict):
        unknown = sorted(str(key) for key in value if key not in names)
        if unknown:
            raise ValueError(
                f"The keys of `{what}` must be names of outputs: expected some of {names}. "
                f"Received: {what} for {unknown}"
            )
        lacking = [name for name in names if name not in value]
        if lacking and not missing:
            raise ValueError(f"`{what}` lacks the outputs {lacking}. Received: {what} for {sorted(map(str, value))}")
        return [value.get(name) for name in names]
    if isinstance(value, (list, tuple)):
        if len(value) != len(names):
            raise ValueError(
                f"`{what}` must have one entry for each of the {len(names)} output(s) {names}. "
                f"Received: {len(value)} entries: {what}={value!r}"
            )
        return list(value)
    return [value] * len(names)


def metrics_per_output(value: Any, names: list[str], what: str) -> list[list[Any]]:
    """The list of metrics of each output. With one output, all metrics are its own, in whatever structure they come.

    >>> metrics_per_output(["mae", ["mse", "mape"]], ["a", "b"], "metrics")
    [['mae'], ['mse', 'mape']]
    """
    if len(names) == 1:
        chosen = [tree.flatten(value)] if value is not None else [[]]
    else:
        chosen = [tree.flatten(entry) for entry in per_output(value, names, what)]
    return [[metric for metric in entry if metric is not None] for entry in chosen]


def match_targets(
    y: Any, y_pred: Any, names: list[str], what: str = "y", wanted: list[bool] | None = None
) -> list[Any]:
    """The targets as a flat list in the order of the outputs.

    Args:
        y: Targets: one for a single output, a list in the order of the outputs, or a dict by name.
        y_pred: The outputs.
        names: Their names.
        what: The argument's name, for errors.
        wanted: Which outputs need one: as many targets as these will do.
    """
    if isinstance(y, dict):
        unknown = sorted(str(key) for key in y if key not in names)
        if unknown:
            raise ValueError(
                f"The keys of `{what}` must be names of outputs: expected {names}. Received: {what} for {unknown}"
            )
        return [y.get(name) for name in names]
    flat = flatten_outputs(y)
    if len(flat) == len(names):
        return flat
    if wanted is not None and len(flat) == sum(wanted):
        given = iter(flat)
        return [next(given) if one else None for one in wanted]
    raise ValueError(
        f"`{what}` must have one entry for each of the {len(names)} output(s) {names}. "
        f"Received: {len(flat)} entries, of shapes {[getattr(leaf, 'shape', None) for leaf in flat]}"
    )


def match_weights(sample_weight: Any, y_pred: Any, names: list[str], wanted: list[bool] | None = None) -> list[Any]:
    """The sample weights for each output: one array serves them all."""
    if sample_weight is None or isinstance(sample_weight, Tensor):
        return [sample_weight] * len(names)
    return match_targets(sample_weight, y_pred, names, "sample_weight", wanted)


def by_shape(
    y_true: Any, y_pred: Any, binary: Callable[[], Any], sparse: Callable[[], Any], dense: Callable[[], Any]
) -> Any:
    """What "accuracy" and "crossentropy" mean for these targets and predictions."""
    true, pred = tuple(y_true.shape), tuple(y_pred.shape)
    if pred[-1:] in ((), (1,)) or len(pred) == 1:
        return binary()
    if len(true) < len(pred) or true[-1:] == (1,):
        return sparse()
    return dense()
