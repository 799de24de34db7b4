"""`CompileMetrics`: the metrics that `compile` was given, for all outputs."""

from __future__ import annotations

from typing import Any, NamedTuple

from kerasish import metrics as metrics_module
from kerasish import tree
from kerasish.training.outputs import (
    by_shape,
    flatten_outputs,
    match_targets,
    match_weights,
    metrics_per_output,
    output_names,
)

_BY_SHAPE = ("accuracy", "acc")


def as_metric(identifier: Any, y_true: Any, y_pred: Any) -> Any:
    """A metric from a metric, a name, a config or a function. "accuracy" is the one that fits the shapes."""
    if isinstance(identifier, metrics_module.Metric):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in _BY_SHAPE:
        return by_shape(
            y_true,
            y_pred,
            lambda: metrics_module.BinaryAccuracy(name=identifier),
            lambda: metrics_module.SparseCategoricalAccuracy(name=identifier),
            lambda: metrics_module.CategoricalAccuracy(name=identifier),
        )
    metric = metrics_module.get(identifier)
    if not isinstance(metric, metrics_module.Metric):
        metric = metrics_module.MeanMetricWrapper(metric, name=getattr(metric, "__name__", type(metric).__name__))
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


class Entry(NamedTuple):
    """A metric of an output: its name in the reports, and whether it takes sample weights."""

    position: int
    label: str
    metric: Any
    weighted: bool


class CompileMetrics:
    """The metrics of all outputs, updated together.

    Args:
        metrics: Metrics that do not take sample weights.
        weighted_metrics: Metrics that do.
        output_names: The names of the model's outputs, where it knows them.

    Raises:
        ValueError: If a metric is unknown, or if there are not as many lists as outputs.
    """

    def __init__(self, metrics: Any, weighted_metrics: Any, output_names: list[str] | None = None) -> None:
        self._user_metrics = metrics
        self._user_weighted = weighted_metrics
        self._names = output_names
        self._entries: list[Entry] | None = None
        self._given: list[Any] = []
        for value, what in ((metrics, "metrics"), (weighted_metrics, "weighted_metrics")):
            self._check(value, what)
            if output_names is not None:
                metrics_per_output(value, output_names, what)

    def _check(self, value: Any, what: str) -> None:
        if value is not None and not isinstance(value, (list, tuple, dict)):
            raise ValueError(f"Expected `{what}` to be a list or a dict. Received: {what}={value!r}")
        for leaf in tree.flatten(value) if value is not None else ():
            if isinstance(leaf, metrics_module.Metric):
                self._given.append(leaf)
            elif leaf is not None and not (isinstance(leaf, str) and leaf.lower() in _BY_SHAPE):
                metrics_module.get(leaf)

    @property
    def metrics(self) -> list[Any]:
        """The metrics; before the first update has shown the outputs, those that were given as objects."""
        return self._given if self._entries is None else [entry.metric for entry in self._entries]

    def _build(self, y_true: Any, y_pred: Any) -> None:
        names = output_names(y_pred, self._names)
        predictions = flatten_outputs(y_pred)
        plain = metrics_per_output(self._user_metrics, names, "metrics")
        weighted = metrics_per_output(self._user_weighted, names, "weighted_metrics")
        self._wanted = [bool(a or b) for a, b in zip(plain, weighted, strict=True)]
        targets = match_targets(y_true, y_pred, names, wanted=self._wanted)
        entries: list[Entry] = []
        taken: set[str] = set()
        for chosen, takes_weights in ((plain, False), (weighted, True)):
            for position, identifiers in enumerate(chosen):
                prefix = f"{names[position]}_" if len(names) > 1 else ""
                for identifier in identifiers:
                    if targets[position] is None:
                        raise ValueError(
                            f"The output {names[position]!r} has the metric {identifier!r}, but no target came for "
                            "it. Received: y=None"
                        )
                    metric = as_metric(identifier, targets[position], predictions[position])
                    label = f"{prefix}{metric.name}"
                    if takes_weights and label in taken:
                        label = f"{prefix}weighted_{metric.name}"
                    entries.append(Entry(position, _unused(label, taken), metric, takes_weights))
        self._entries = entries
        self._names = names

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch into account."""
        if self._entries is None:
            self._build(y_true, y_pred)
        assert self._entries is not None
        assert self._names is not None
        predictions = flatten_outputs(y_pred)
        targets = match_targets(y_true, y_pred, self._names, wanted=self._wanted)
        weights = match_weights(sample_weight, y_pred, self._names, wanted=self._wanted)
        for position, _, metric, weighted in self._entries:
            if weighted:
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
