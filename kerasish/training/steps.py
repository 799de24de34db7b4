"""`Steps`: what a model does with one batch."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kerasish import backend, tree
from kerasish.autodiff import GradientTape, Tensor, convert_to_tensor, state
from kerasish.autodiff.journal import wholly
from kerasish.callbacks.callback_list import Logs
from kerasish.training.compiled import Compiled
from kerasish.training.data import unpack_x_y_sample_weight

_OF_THIS_MODEL = ("train_function", "test_function", "predict_function", "_parts", "_fingerprint")


@dataclass(slots=True)
class Parts:
    """What a step needs of the model, gathered once. Not a tuple: a layer's variables are sought in those."""

    variables: list[Any]
    regularized: list[Any]
    layers: list[Any]
    own_losses: bool
    metrics: list[Any]


class Steps(Compiled):
    """The steps of training, evaluation and prediction."""

    def __init__(self) -> None:
        super().__init__()
        self.train_function: Callable[..., Any] | None = None
        self.test_function: Callable[..., Any] | None = None
        self.predict_function: Callable[..., Any] | None = None
        self._parts: Parts | None = None
        # What decides how a step goes, besides the data; found once for a training, and anew for the next.
        self._fingerprint: Any = None
        self._told_of_recording = False

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets: not the functions, which are bound to this model and would train it instead."""
        functions = dict.fromkeys(_OF_THIS_MODEL)
        return {**self.__dict__, **functions}

    def _forget_functions(self) -> None:
        self.train_function = self.test_function = self.predict_function = None
        self._look_again()

    def _look_again(self) -> None:
        """Gather anew what steps need of the model: it may have changed."""
        self._parts = self._fingerprint = None

    def _replayed(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The step, recorded and replayed where the backend can do that and nobody has asked for the contrary."""
        recorder = backend.recorder()
        if recorder is None:
            return step
        if self.run_eagerly or self.jit_compile is False:
            return wholly(step)
        from kerasish.training.replay import Replayed

        return Replayed(step, self, recorder)

    def _gather(self) -> Parts:
        model: Any = self
        variables = model.trainable_variables
        regularized = [v for v in model.trainable_weights if v.regularizer is not None]
        own_losses = type(model).losses is not _losses_of_layers()
        return Parts(variables, regularized, model._flatten_layers(), own_losses, self._find_metrics())

    def _metrics_of_layers(self) -> list[Any]:
        return self._find_metrics() if self._parts is None else self._parts.metrics

    def _all_losses(self) -> list[Any]:
        """The losses that layers added, and those of regularizers."""
        parts = self._parts
        if parts is None or parts.own_losses:
            return self.losses  # type: ignore[attr-defined]
        added = []
        for layer in parts.layers:
            if layer._losses:
                added += layer._losses
        for variable in parts.regularized:
            if variable.trainable:
                added.append(variable.regularizer(variable))
        return added

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of a batch: the compiled losses and those that layers added.

        Override it to compute a loss of your own.

        Args:
            x: The inputs.
            y: The targets.
            y_pred: The outputs.
            sample_weight: The weights of the samples.
            training: Whether the model is trained or evaluated.
        """
        total = None
        if self._compile_loss is not None:
            if y is None:
                raise ValueError(
                    f"The model {self.name!r} has a loss, but no targets came. "  # type: ignore[attr-defined]
                    "Expected y, or data that yields (x, y). Received: y=None"
                )
            total = self._compile_loss(y, y_pred, sample_weight)
        for loss in self._all_losses():
            loss = convert_to_tensor(loss)
            total = loss if total is None else total + loss
        if total is None:
            raise ValueError(
                f"The model {self.name!r} has nothing to minimise: "  # type: ignore[attr-defined]
                "give compile() a loss, or add one with add_loss(). Received: loss=None"
            )
        return total

    def _loss_of(self, x: Any, y: Any, y_pred: Any, sample_weight: Any, training: bool) -> Any:
        cls: Any = type(self)
        if cls.compute_loss is Steps.compute_loss or _takes_training(cls):
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=training)
        else:
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
        return loss if isinstance(loss, Tensor) or loss is None else convert_to_tensor(loss)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the metrics with a batch and return their values. Override it for metrics of your own."""
        self._update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _update_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        if self._compile_metrics is not None and y is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch. Override it for a training of your own.

        Args:
            data: What the data gave: x, (x, y) or (x, y, sample_weight), as tensors.

        Returns:
            The values to report, by name.
        """
        self._parts = None
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._train_on(x, y, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _forward(self, x: Any, training: bool) -> Any:
        """The outputs for a batch; the losses that layers added in the call before are gone."""
        if self._parts is None:
            y_pred = self(x, training=training)  # type: ignore[operator]
            # After the first call: it may have made the weights.
            self._parts = self._gather()
            return y_pred
        for layer in self._parts.layers:
            if layer._losses:
                layer._losses.clear()
        # Inside of a call, layers leave the clearing of losses, for which they would look for each other, to us.
        state.call_depth += 1
        try:
            return self(x, training=training)  # type: ignore[operator]
        finally:
            state.call_depth -= 1

    def _train_on(self, x: Any, y: Any, sample_weight: Any) -> Any:
        optimizer = self.optimizer
        with GradientTape() as tape:
            y_pred = self._forward(x, True)
            loss = self._loss_of(x, y, y_pred, sample_weight, True)
            scaled = optimizer.scale_loss(loss)
        assert self._parts is not None
        variables = self._parts.variables
        if variables:
            optimizer.apply(tape.gradient(scaled, variables), variables)
        else:
            warnings.warn(
                f"The model {self.name!r} has no trainable weights: nothing is trained.",  # type: ignore[attr-defined]
                stacklevel=2,
            )
        self._track(loss, x)
        return y_pred

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch. Override it for an evaluation of your own."""
        self._parts = None
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._test_on(x, y, sample_weight)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def _test_on(self, x: Any, y: Any, sample_weight: Any) -> Any:
        y_pred = self._forward(x, False)
        own = type(self).compute_loss is not Steps.compute_loss
        if own or self._compile_loss is not None or self._all_losses():
            self._track(self._loss_of(x, y, y_pred, sample_weight, False), x)
        return y_pred

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch. Override it for a prediction of your own."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def _track(self, loss: Any, x: Any) -> None:
        if self._loss_tracker is None or loss is None:
            return
        first = x if isinstance(x, Tensor) else next((leaf for leaf in tree.flatten(x) if leaf is not None), None)
        shape = getattr(first, "shape", ())
        if loss.array.ndim:
            from kerasish import ops

            loss = ops.mean(loss)
        self._loss_tracker.add(loss, shape[0] if shape else 1)

    def _overrides(self, *methods: str) -> bool:
        """Whether a subclass wrote one of these methods itself."""
        return any(getattr(type(self), method) is not getattr(Steps, method) for method in methods)

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that trains on one batch and returns what to report (lazily where it can)."""
        if self.train_function is None or force:
            if self._overrides("train_step", "compute_metrics", "get_metrics_result"):
                self.train_function = self._replayed(lambda data: Logs.of(self.train_step(data)))
            else:
                self.train_function = self._replayed(self._lazily(self._train_on))
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that evaluates one batch."""
        if self.test_function is None or force:
            if self._overrides("test_step", "compute_metrics", "get_metrics_result"):
                self.test_function = self._replayed(lambda data: Logs.of(self.test_step(data)))
            else:
                self.test_function = self._replayed(self._lazily(self._test_on))
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that gives the outputs for one batch."""
        if self.predict_function is None or force:
            self.predict_function = self._replayed(self.predict_step)
        return self.predict_function

    def _lazily(self, step: Callable[[Any, Any, Any], Any]) -> Callable[[Any], Logs]:
        logs = Logs(self._sorted_results)

        def run(data: Any) -> Logs:
            x, y, sample_weight = unpack_x_y_sample_weight(data)
            y_pred = step(x, y, sample_weight)
            if self._compile_metrics is not None:
                self._update_metrics(y, y_pred, sample_weight)
            return logs

        return run

    def _sorted_results(self) -> dict[str, Any]:
        return dict(sorted(self.get_metrics_result().items()))


def _losses_of_layers() -> Any:
    from kerasish.layers.layer import Layer

    return Layer.losses


_with_training: dict[type, bool] = {}


def _takes_training(cls: Any) -> bool:
    """Whether the `compute_loss` of a class takes `training`; those written for early Keras 3 do not."""
    if cls not in _with_training:
        parameters = inspect.signature(cls.compute_loss).parameters
        named = "training" in parameters
        _with_training[cls] = named or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return _with_training[cls]
