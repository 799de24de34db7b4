"""`Loss`, the base of all losses, and `LossFunctionWrapper`, a loss made of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from kerasish import config as _config
from kerasish import dtype_policies, ops, tree
from kerasish.autodiff import Tensor, auto_name, convert_to_tensor
from kerasish.losses.reduction import (
    MEANS,
    reduce_values,
    reduce_weighted_values,
    squeeze_or_expand_to_same_rank,
    standardize_reduction,
)
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object

_LEGACY_REDUCTIONS = {
    "auto": "sum_over_batch_size",
    "sum_over_nonzero_weights": "sum_over_batch_size",
    "weighted_mean": "sum_over_batch_size",
}


class Loss:
    """The base of all losses.

    A subclass writes `call(y_true, y_pred)`, which returns the loss of each sample (or element); the base
    applies weights and masks, and reduces.

    Args:
        name: A name.
        reduction: "sum_over_batch_size" (the mean over all elements, also called "mean"), "sum",
            "mean_with_sample_weight" (the sum divided by that of the weights), "none" or None.
        dtype: The dtype, or policy, in which the loss is computed; by default the default float.

    Raises:
        ValueError: If the reduction is another one.

    >>> class Cubed(Loss):
    ...     def call(self, y_true, y_pred):
    ...         return (y_pred - y_true) ** 3
    >>> float(Cubed()([0.0, 0.0], [1.0, 2.0]))
    4.5
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None
    ) -> None:
        self.name = name or auto_name(type(self).__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype_policies.get(dtype or _config.floatx())
        self._dtype: str = self._dtype_policy.compute_dtype

    @property
    def dtype(self) -> str:
        """The dtype in which the loss is computed."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch.

        Args:
            y_true: The targets.
            y_pred: The predictions; a mask that they carry says which elements count.
            sample_weight: The weight of each sample, or of each element.
        """
        mask = getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = self._inputs(y_true, y_pred)
        losses = self.call(y_true, y_pred)
        own_mask = getattr(losses, "_keras_mask", None)
        if own_mask is not None:
            mask = own_mask if mask is None else ops.logical_and(mask, own_mask)
        return reduce_weighted_values(losses, sample_weight, mask, self.reduction, self._dtype)

    def _inputs(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Targets and predictions, as `call` gets them: tensors of the loss's dtype."""
        return self._converted(y_true), self._converted(y_pred)

    def _converted(self, value: Any) -> Any:
        if isinstance(value, Tensor):
            return convert_to_tensor(value, self._dtype)
        if isinstance(value, (list, tuple, dict)) and any(not _is_number(x) for x in tree.flatten(value)):
            return tree.map_structure(lambda x: convert_to_tensor(x, self._dtype), value)
        return convert_to_tensor(value, self._dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sample."""
        raise NotImplementedError(f"The loss {type(self).__name__} needs a method call(y_true, y_pred).")

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the loss again, as values of JSON."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss of a config; the spellings of Keras 2 are understood."""
        return cls(**_modern(config))


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float))


def _modern(config: dict[str, Any]) -> dict[str, Any]:
    config = dict(config)
    if config.get("reduction") in _LEGACY_REDUCTIONS:
        config["reduction"] = _LEGACY_REDUCTIONS[config["reduction"]]
    return config


Elementwise = Callable[..., Tensor]


class LossFunctionWrapper(Loss):
    """A loss made of a function `fn(y_true, y_pred, **kwargs)` that returns the loss of each sample.

    Args:
        fn: The function.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.
        **kwargs: Further arguments of the function.

    >>> loss = LossFunctionWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred), name="distance")
    >>> float(loss([0.0, 0.0], [1.0, 2.0]))
    1.5
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of the function, for targets and predictions of one rank."""
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        else:
            pairs = [
                squeeze_or_expand_to_same_rank(t, p)
                for t, p in zip(tree.flatten(y_true), tree.flatten(y_pred), strict=True)
            ]
            y_true = tree.pack_sequence_as(y_true, [t for t, _ in pairs])
            y_pred = tree.pack_sequence_as(y_pred, [p for _, p in pairs])
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """The function and its arguments."""
        config = {**super().get_config(), "fn": serialize_keras_object(self.fn)}
        return {**config, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss of a config."""
        config = deserialize_keras_object(_modern(config))
        if isinstance(config.get("fn"), str):
            from kerasish.losses import get

            config["fn"] = get(config["fn"])
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.fn.__name__}, kwargs={self._fn_kwargs})>"


class BuiltInLoss(LossFunctionWrapper):
    """A loss of kerasish: a wrapped function whose arguments are attributes.

    Two things make it quick. The functions convert the targets themselves, so that class numbers stay integers;
    and where a function is the mean over the last axis of a loss of each element (`elementwise`), a mean without
    weights and masks is taken over all elements at once.
    """

    elementwise: ClassVar[Elementwise | None] = None
    """The loss of each element, `elementwise(y_true, y_pred, **kwargs)`, for tensors of one rank and dtype."""

    unwritten: ClassVar[dict[str, Any]] = {}
    """Arguments that Keras leaves out of the config, with their defaults: they are written where they differ."""

    def __init__(
        self, fn: Callable[..., Any], reduction: str | None, name: str | None, dtype: Any, **arguments: Any
    ) -> None:
        super().__init__(fn, reduction=reduction, name=name, dtype=dtype, **arguments)
        for key, value in arguments.items():
            setattr(self, key, value)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch, as `Loss.__call__` computes it."""
        if (
            sample_weight is not None
            or not isinstance(y_pred, Tensor)
            or y_pred._keras_mask is not None
            or self.reduction not in MEANS
            or isinstance(y_true, (dict, tuple))
        ):
            return super().__call__(y_true, y_pred, sample_weight)
        y_pred = convert_to_tensor(y_pred, self._dtype)
        elementwise = type(self).elementwise
        if elementwise is not None and y_pred.array.ndim and y_pred.array.size:
            y_true = convert_to_tensor(y_true, self._dtype)
            if y_true.array.ndim != y_pred.array.ndim:
                y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
            return ops.mean(elementwise(y_true, y_pred, **self._fn_kwargs))
        losses = self.call(convert_to_tensor(y_true), y_pred)
        if losses._keras_mask is None:
            return reduce_values(losses, None, self.reduction)
        return reduce_weighted_values(losses, None, losses._keras_mask, self.reduction, self._dtype)

    def _inputs(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        if isinstance(y_true, (dict, tuple)) or isinstance(y_pred, (dict, tuple)):
            return super()._inputs(y_true, y_pred)
        return convert_to_tensor(y_true), convert_to_tensor(y_pred, self._dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the loss again, as values of JSON."""
        config = Loss.get_config(self)
        for key, value in self._fn_kwargs.items():
            if key not in self.unwritten or value != self.unwritten[key]:
                config[key] = value
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """The loss of a config; the "fn" that Keras 2 wrote beside the arguments is dropped."""
        config = _modern(config)
        config.pop("fn", None)
        return cls(**config)
