"""`CompileMetrics`: the metrics that `compile` was given, for all outputs."""

from __future__ import annotations

from typing import Any

from kerasish import metrics as metrics_module
from kerasish import tree
from kerasish.training.outputs import match_targets, match_weights, output_names, per_output


def as_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric from a metric, a name, a config or a function. "accuracy" and "crossentropy" fit the shapes."""
    if identifier is None or isinstance(identifier, metrics_module.Metric):
        return identifier
    name = None
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        name = identifier
        metric = _by_shape(identifier.lower(), y_true, y_pred)
        metric.name = name
        return metric
    metric = metrics_module.get(identifier)
    if isinstance(metric, metrics_module.Metric):
        if isinstance(identifier, str):
            metric.name = identifier
        return metric
    name = identifier if isinstance(identifier, str) else getattr(metric, "__name__", type(metric).__name__)
    return metrics_module.MeanMetricWrapper(metric, name=name)


_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _by_shape(name: str, y_true: Any, y_pred: Any) -> Any:
    binary = y_pred.shape[-1:] in ((), (1,)) or len(y_pred.shape) == 1
    sparse = len(y_true.shape) < len(y_pred.shape) or tuple(y_true.shape[-1:]) == (1,)
    accuracy = name in ("accuracy", "acc")
    if binary:
        return metrics_module.BinaryAccuracy() if accuracy else metrics_module.BinaryCrossentropy()
    if sparse:
        return metrics_module.SparseCategoricalAccuracy() if accuracy else metrics_module.SparseCategoricalCrossentropy()
    return metrics_module.CategoricalAccuracy() if accuracy else metrics_module.CategoricalCrossentropy()


class CompileMetrics:
    """The metrics of all outputs, updated together.

    Args:
        metrics: Metrics that do not take sample weights.
        weighted_metrics: Metrics that do.
        output_names: The names of the model's outputs, where it knows them.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any, output_names: list[str] | None = None) -> None:
        self._user_metrics = metrics
        self._user_weighted = weighted_metrics
        self._names = output_names
        # Of each output: its name in the reports, a metric, and whether that takes sample weights.
        self._entries: list[tuple[int, str, Any, bool]] | None = None
        self._check(metrics, "metrics")
        self._check(weighted_metrics, "weighted_metrics")

    @staticmethod
    def _check(value: Any, what: str) -> None:
        if value is not None and not isinstance(value, (list, tuple, dict)):
            raise ValueError(f"Expected `{what}` to be a list or a dict. Received: {what}={value!r}")
        for leaf in tree.flatten(value) if value is not None else ():
            if isinstance(leaf, str) and leaf.lower() not in _BY_SHAPE:
                metrics_module.get(leaf)

    @property
    def metrics(self) -> list[Any]:
        """The metrics; none before the first update has shown the outputs, but those given as objects."""
        if self._entries is not None:
            return [metric for _, _, metric, _ in self._entries]
        given = tree.flatten([self._user_metrics, self._user_weighted])
        return [metric for metric in given if isinstance(metric, metrics_module.Metric)]

    def _build(self, y_true: Any, y_pred: Any) -> None:
        names = output_names(y_pred, self._names)
        predictions = tree.flatten(y_pred)
        targets = match_targets(y_true, y_pred, names)
        entries: list[tuple[int, str, Any, bool]] = []
        taken: set[str] = set()
        for value, what, weighted in (
            (self._user_metrics, "metrics", False),
            (self._user_weighted, "weighted_metrics", True),
        ):
            for position, chosen in enumerate(per_output(value, y_pred, names, what, listed=True)):
                for identifier in chosen if isinstance(chosen, (list, tuple)) else [chosen]:
                    if identifier is None or targets[position] is None:
                        continue
                    metric = as_metric(identifier, targets[position], predictions[position])
                    label = f"{names[position]}_{metric.name}" if len(names) > 1 else metric.name
                    if label in taken and weighted:
                        label = f"weighted_{label}"
                    entries.append((position, _unused(label, taken), metric, weighted))
        self._entries = entries
        self._names = names

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        if self._entries is None:
            self._build(y_true, y_pred)
        assert self._entries is not None
        assert self._names is not None
        predictions = tree.flatten(y_pred)
        targets = match_targets(y_true, y_pred, self._names)
        weights = match_weights(sample_weight, self._names, y_pred) if sample_weight is not None else None
        for position, _, metric, weighted in self._entries:
            if weighted and weights is not None:
                metric.update_state(targets[position], predictions[position], sample_weight=weights[position])
            else:
                metric.update_state(targets[position], predictions[position])

    def result(self) -> dict[str, Any]:
        """The values by name."""
        results: dict[str, Any] = {}
        for _, label, metric, _ in self._entries or ():
            value = metric.result()
            if isinstance(value, dict):
                results.update(value)
            else:
                results[label] = value
        return results


def _unused(label: str, taken: set[str]) -> str:
    unique, count = label, 0
    while unique in taken:
        count += 1
        unique = f"{label}_{count}"
    taken.add(unique)
    return unique
