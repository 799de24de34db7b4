"""Sums and means over all batches, and the metric that is the mean of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.reduction import apply_mask, squeeze_or_expand_to_same_rank
from kerasish.metrics.metric import Metric
from kerasish.saving.object_registration import get_registered_object
from kerasish.saving.serialization_lib import deserialize_keras_object, resolve, serialize_keras_object


def weighted_samples(
    values: Any, sample_weight: Any, reduce: Callable[..., Tensor], dtype: str
) -> tuple[Tensor, Tensor]:
    """One weighted value and one weight for each sample: what lies behind the first axis is reduced."""
    mask = getattr(values, "_keras_mask", None)
    values = convert_to_tensor(values, dtype)
    weight = convert_to_tensor(sample_weight, dtype)
    if mask is not None:
        weight = apply_mask(weight, mask, dtype, "sum")
    values, weight = squeeze_or_expand_to_same_rank(values, weight)
    rank, weight_rank = len(values.shape), len(weight.shape)
    if rank > weight_rank:
        values = reduce(values, axis=tuple(range(weight_rank, rank)))
    weight = ops.broadcast_to(weight, values.shape)
    values = values * weight
    if weight_rank > 1:
        weight = reduce(weight, axis=tuple(range(1, weight_rank)))
    if len(values.shape) > 1:
        values = reduce(values, axis=tuple(range(1, len(values.shape))))
    return values, weight


class Sum(Metric):
    """The sum of all values, weighted.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(Sum()([1.0, 3.0]))
    4.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: The values.
            sample_weight: Their weights, of their shape or a leading part of it.
        """
        if sample_weight is None:
            values = convert_to_tensor(values, self._dtype)
        else:
            values, _ = weighted_samples(values, sample_weight, ops.sum, self._dtype)
        self.total.assign(self.total + (ops.sum(values) if values.array.ndim else values))

    def result(self) -> Tensor:
        """The sum."""
        return ops.copy(self.total)


class Mean(Metric):
    """The mean of all values, weighted.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state([8.0], sample_weight=[2.0])
    >>> float(mean.result())
    5.0
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Add values.

        Args:
            values: The values, `(samples, ...)` or one number; those of one sample are averaged.
            sample_weight: Their weights, of their shape or a leading part of it.
        """
        if sample_weight is not None:
            values, weight = weighted_samples(values, sample_weight, ops.mean, self._dtype)
            self.total.assign(self.total + ops.sum(values))
            self.count.assign(self.count + ops.sum(weight))
            return
        values = convert_to_tensor(values, self._dtype)
        shape = values.array.shape
        if not shape:
            self.total.assign(self.total + values)
            self.count.assign(self.count + 1.0)
            return
        total = ops.sum(values)
        size = values.array.size
        self.total.assign(self.total + (total * (shape[0] / size) if len(shape) > 1 and size else total))
        self.count.assign(self.count + float(shape[0]))

    def result(self) -> Tensor:
        """The mean; 0 where nothing was added."""
        return ops.divide_no_nan(self.total, self.count)


class MeanMetricWrapper(Mean):
    """The mean over all samples of a function `fn(y_true, y_pred, **kwargs)`.

    Args:
        fn: The function: it returns a value for each sample (or element).
        name: A name.
        dtype: See `Metric`.
        **kwargs: Further arguments of the function.

    >>> def distance(y_true, y_pred):
    ...     return ops.absolute(y_true - y_pred)
    >>> float(MeanMetricWrapper(distance, name="distance")(ops.array([1.0]), ops.array([3.0])))
    2.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The targets.
            y_pred: The predictions; a mask that they carry says which elements count.
            sample_weight: The weights of the samples, or of the elements.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        if mask is not None:
            if sample_weight is not None:
                sample_weight = convert_to_tensor(sample_weight, self._dtype)
            sample_weight = apply_mask(sample_weight, mask, self._dtype, "sum")
        super().update_state(values, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The function and its arguments."""
        config = {**super().get_config(), "fn": serialize_keras_object(self._fn)}
        return {**config, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """The metric of a config; Keras 2 names the function by a string."""
        fn = config.get("fn")
        config = {key: deserialize_keras_object(value) for key, value in config.items() if key != "fn"}
        if fn is not None:
            config["fn"] = _function(fn)
        return cls(**config)


def _function(entry: Any) -> Any:
    """The function of the "fn" in a config: a name, the config of a function, or that of a loss."""
    from kerasish.metrics import function_of

    name = entry.get("config") if isinstance(entry, dict) else entry
    if isinstance(name, str):
        registered = entry.get("registered_name") if isinstance(entry, dict) else None
        found = get_registered_object(registered or name) or get_registered_object(name) or function_of(name)
        return found if found is not None else resolve(name, "losses")
    return deserialize_keras_object(entry, family="losses") if isinstance(entry, dict) else entry


class BuiltInMean(MeanMetricWrapper):
    """A metric of kerasish that is the mean of a function, whose arguments are attributes."""

    unwritten: ClassVar[dict[str, Any]] = {}
    """Arguments that Keras leaves out of the config, with their defaults: they are written where they differ."""

    def __init__(self, fn: Callable[..., Any], name: str | None, dtype: Any, **arguments: Any) -> None:
        super().__init__(fn, name=name, dtype=dtype, **arguments)
        for key, value in arguments.items():
            setattr(self, key, value)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the metric again, as values of JSON."""
        config = Metric.get_config(self)
        for key, value in self._fn_kwargs.items():
            if key not in self.unwritten or value != self.unwritten[key]:
                config[key] = value
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """The metric of a config; the "fn" that Keras 2 wrote beside the arguments is dropped."""
        return cls(**{key: value for key, value in config.items() if key != "fn"})
