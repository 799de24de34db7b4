"""`Trainer`: compile, fit, evaluate and predict. The part of a model that trains it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import config, tree
from kerasish.autodiff import GradientTape, Tensor, convert_to_tensor
from kerasish.callbacks.callback_list import CallbackList, Logs
from kerasish.training.compile_loss import CompileLoss
from kerasish.training.compile_metrics import CompileMetrics
from kerasish.training.data import EpochIterator, pack_x_y_sample_weight, unpack_x_y_sample_weight

if TYPE_CHECKING:
    from kerasish.callbacks.history import History
    from kerasish.metrics import Metric


class Trainer:
    """Training for a model: what `compile` sets, and the loops that use it."""

    def __init__(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.compiled = False
        self.loss: Any = None
        self.steps_per_execution = 1
        self.run_eagerly = False
        self.jit_compile: Any = False
        self._compile_arguments: dict[str, Any] | None = None
        self._compile_loss: CompileLoss | None = None
        self._compile_metrics: CompileMetrics | None = None
        self._loss_tracker: Any = None
        self._added_metrics: list[Any] = []
        self.history: History | None = None
        self._epoch_iterator: EpochIterator | None = None
        self._validation_iterator: EpochIterator | None = None
        self.train_function: Callable[..., Any] | None = None
        self.test_function: Callable[..., Any] | None = None
        self.predict_function: Callable[..., Any] | None = None

    # ---------------------------------------------------------------- compile

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set the optimizer, the losses and the metrics of the training.

        Args:
            optimizer: An optimizer, or its name.
            loss: A loss, its name, or a function `(y_true, y_pred) -> loss`; for several outputs a list or a
                dict by the names of the outputs.
            loss_weights: A factor for each loss: a list or a dict.
            metrics: Metrics, names or functions: a list; for several outputs a list of lists or a dict.
            weighted_metrics: The same, but these take the sample weights.
            run_eagerly: Whether each step runs operation by operation (the numbers are the same).
            steps_per_execution: How many steps run between two calls of the callbacks.
            jit_compile: Accepted for Keras's signature.
            auto_scale_loss: Whether the loss is scaled where half-precision gradients would vanish.
        """
        from kerasish import metrics as metrics_module
        from kerasish import optimizers

        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(f"Expected steps_per_execution to be a positive int. Received: {steps_per_execution!r}")
        chosen = optimizers.get(optimizer)
        if (
            auto_scale_loss
            and getattr(self, "dtype_policy", None) is not None
            and self.dtype_policy.name == "mixed_float16"  # type: ignore[attr-defined]
            and not isinstance(chosen, optimizers.LossScaleOptimizer)
        ):
            chosen = optimizers.LossScaleOptimizer(chosen, name="loss_scale_optimizer")
        names = self._output_names()
        compile_loss = None
        if loss is not None:
            compile_loss = loss if isinstance(loss, CompileLoss) else CompileLoss(loss, loss_weights, output_names=names)
        elif loss_weights is not None:
            raise ValueError(f"loss_weights need a loss. Received: loss=None, loss_weights={loss_weights!r}")
        compile_metrics = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, output_names=names)
        self.optimizer = chosen
        self.loss = loss
        self._compile_loss = compile_loss
        self._compile_metrics = compile_metrics
        self._loss_tracker = metrics_module.Mean(name="loss")
        self.steps_per_execution = steps_per_execution
        self.run_eagerly = run_eagerly
        self.jit_compile = jit_compile
        self.stop_training = False
        self.compiled = True
        self.train_function = self.test_function = self.predict_function = None
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def _output_names(self) -> list[str] | None:
        return self.output_names if getattr(self, "_graph", None) is not None else None  # type: ignore[attr-defined]

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(
                f"The model {self.name!r} must be compiled before `{method}`: "  # type: ignore[attr-defined]
                "call model.compile(optimizer=…, loss=…) first."
            )

    # ---------------------------------------------------------------- metrics

    def add_metric(self, value: Any, aggregation: str | None = "mean", name: str | None = None) -> None:
        """Report a value with the metrics: a metric object, or a tensor given in `call`.

        A tensor is averaged over the batches of an epoch under its name.
        """
        from kerasish import metrics as metrics_module
        from kerasish.autodiff import state

        if isinstance(value, metrics_module.Metric):
            if value not in self._added_metrics:
                self._added_metrics.append(value)
            return
        if not name:
            raise ValueError("A value added as a metric needs a name. Received: name=None")
        metric = next((m for m in self._added_metrics if m.name == name), None)
        if metric is None:
            metric = metrics_module.Mean(name=name)
            self._added_metrics.append(metric)
        if not state.abstract:
            metric.update_state(value)

    @property
    def metrics(self) -> list[Metric]:
        """The loss tracker, the compiled metrics, and those that the model and its layers hold."""
        from kerasish.layers.tracking import held
        from kerasish.metrics import Metric

        found: dict[int, Metric] = {}
        if self._loss_tracker is not None:
            found[id(self._loss_tracker)] = self._loss_tracker
        if self._compile_loss is not None:
            for tracker in self._compile_loss.metrics:
                found.setdefault(id(tracker), tracker)
        if self._compile_metrics is not None:
            for metric in self._compile_metrics.metrics:
                found.setdefault(id(metric), metric)
        for layer in self._flatten_layers():  # type: ignore[attr-defined]
            for metric in held(layer, Metric):
                found.setdefault(id(metric), metric)
            for metric in getattr(layer, "_added_metrics", ()):
                found.setdefault(id(metric), metric)
        return list(found.values())

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Set all metrics back to their beginning."""
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """The metrics by name, as tensors."""
        results: dict[str, Any] = {}
        for metric in self.metrics:
            value = metric.result()
            if isinstance(value, dict):
                results.update(value)
            else:
                results[metric.name] = value
        if self._compile_metrics is not None:
            for metric in self._compile_metrics.metrics:
                results.pop(metric.name, None)
            results.update(self._compile_metrics.result())
        return results

    def _compute_losses_only(self) -> list[Any]:
        return self.losses  # type: ignore[attr-defined]

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
        """
        total = None
        if self._compile_loss is not None and y is not None:
            total = self._compile_loss(y, y_pred, sample_weight)
        for loss in self._compute_losses_only():
            loss = convert_to_tensor(loss)
            total = loss if total is None else total + loss
        if total is None:
            if y is None and self._compile_loss is not None:
                raise ValueError(
                    f"The model {self.name!r} has a loss, but no targets came. "  # type: ignore[attr-defined]
                    "Expected y, or data that yields (x, y). Received: y=None"
                )
            raise ValueError(
                f"The model {self.name!r} has nothing to minimise: "  # type: ignore[attr-defined]
                "give compile() a loss, or add one with add_loss()."
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Update the metrics with a batch and return their values. Override it for metrics of your own."""
        self._update_metrics(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def _update_metrics(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        if self._compile_metrics is not None and y is not None:
            self._compile_metrics.update_state(y, y_pred, sample_weight)

    # ---------------------------------------------------------------- steps

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of training on a batch. Override it for a training of your own.

        Args:
            data: What the data gave: x, (x, y) or (x, y, sample_weight), as tensors.

        Returns:
            The values to report, by name.
        """
        self._train_on(data)
        return self.get_metrics_result()

    def _train_on(self, data: Any) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        variables = self.trainable_variables  # type: ignore[attr-defined]
        with GradientTape() as tape:
            y_pred = self(x, training=True)  # type: ignore[operator]
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True)
            scaled = self.optimizer.scale_loss(loss)
        if not variables:
            variables = self.trainable_variables  # type: ignore[attr-defined]
        if variables:
            self.optimizer.apply(tape.gradient(scaled, variables), variables)
        else:
            warnings.warn("The model has no trainable weights: nothing is trained.", stacklevel=2)
        self._track(loss, x)
        self._update_metrics(y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """One step of evaluation on a batch. Override it for an evaluation of your own."""
        self._test_on(data)
        return self.get_metrics_result()

    def _test_on(self, data: Any) -> None:
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)  # type: ignore[operator]
        if self._compile_loss is not None or self._compute_losses_only():
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False)
            self._track(loss, x)
        self._update_metrics(y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """The outputs for a batch. Override it for a prediction of your own."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self(x, training=False)  # type: ignore[operator]

    def _track(self, loss: Any, x: Any) -> None:
        first = next((leaf for leaf in tree.flatten(x) if leaf is not None), None)
        size = first.shape[0] if first is not None and first.ndim else 1
        self._loss_tracker.update_state(loss, sample_weight=size)

    def _overrides(self, *methods: str) -> bool:
        """Whether a subclass wrote one of these methods itself."""
        return any(getattr(type(self), method) is not getattr(Trainer, method) for method in methods)

    def make_train_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that trains on one batch and returns what to report (lazily where it can)."""
        if self.train_function is None or force:
            if self._overrides("train_step", "compute_metrics", "get_metrics_result"):
                self.train_function = lambda data: Logs.of(self.train_step(data))
            else:
                self.train_function = self._lazily(self._train_on)
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that evaluates one batch."""
        if self.test_function is None or force:
            if self._overrides("test_step", "compute_metrics", "get_metrics_result"):
                self.test_function = lambda data: Logs.of(self.test_step(data))
            else:
                self.test_function = self._lazily(self._test_on)
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable[[Any], Any]:
        """The function that gives the outputs for one batch."""
        if self.predict_function is None or force:
            self.predict_function = self.predict_step
        return self.predict_function

    def _lazily(self, step: Callable[[Any], None]) -> Callable[[Any], Logs]:
        logs = Logs(self.get_metrics_result)

        def run(data: Any) -> Logs:
            step(data)
            return logs

        return run

    # ---------------------------------------------------------------- loops

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train for a number of epochs.

        Args:
            x: Inputs: an array, a list or dict of arrays, a pandas frame, a generator, or a `PyDataset`.
            y: Targets, likewise; not for generators and datasets, which yield (inputs, targets).
            batch_size: Samples per step (32).
            epochs: The epoch to stop before; counted from 0, with `initial_epoch`.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch, "auto" 1 where someone is watching.
            callbacks: Callbacks.
            validation_split: The share of the samples, from the end, that is kept for validation.
            validation_data: `(x, y)`, `(x, y, sample_weight)`, or a dataset.
            shuffle: Whether arrays are shuffled before each epoch.
            class_weight: A factor for the loss of each class.
            sample_weight: A factor for the loss of each sample.
            initial_epoch: The epoch to begin with.
            steps_per_epoch: Steps that make an epoch; needed for endless generators.
            validation_steps: Steps of each validation.
            validation_batch_size: Samples per step of the validation.
            validation_freq: After how many epochs a validation follows, or after which ones.

        Returns:
            The `History`, whose `history` holds the values of each epoch by name.
        """
        from kerasish.callbacks.history import History

        self._require_compiled("fit")
        self.stop_training = False
        _check_whole("epochs", epochs, 0)
        _check_whole("initial_epoch", initial_epoch, 0)
        if config.max_epochs() is not None:
            epochs = min(epochs, config.max_epochs() or 0)
        if validation_split and validation_data is None:
            from kerasish.training.data import train_validation_split

            (x, y, sample_weight), validation_data = train_validation_split((x, y, sample_weight), validation_split)
        iterator = EpochIterator(
            x,
            y,
            sample_weight,
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            class_weight=class_weight,
            owner=self,
        )
        validation = None
        if validation_data is not None:
            vx, vy, vw = unpack_x_y_sample_weight(validation_data)
            validation = EpochIterator(
                vx,
                vy,
                vw,
                batch_size=validation_batch_size or batch_size,
                steps_per_epoch=validation_steps,
                shuffle=False,
                owner=self,
            )
        self._epoch_iterator, self._validation_iterator = iterator, validation
        self._build_on(iterator)
        callback_list = CallbackList.of(
            callbacks,
            add_history=True,
            add_progbar=_verbosity(verbose) != 0,
            model=self,
            verbose=_verbosity(verbose),
            epochs=epochs,
            steps=iterator.num_batches,
        )
        step = self.make_train_function()
        callback_list.on_train_begin()
        initial_epoch = callback_list.initial_epoch(initial_epoch)
        history = next((c for c in callback_list if isinstance(c, History)), None)
        self.history = history
        logs: Logs | dict[str, Any] | None = None
        try:
            for epoch in range(initial_epoch, epochs):
                if epoch > initial_epoch and iterator.exhausted():
                    break
                self.reset_metrics()
                callback_list.on_epoch_begin(epoch)
                logs = self._run_epoch(iterator, epoch, step, callback_list)
                epoch_logs = _floats(logs)
                if validation is not None and _due(validation_freq, epoch):
                    results = self._evaluate(validation, callback_list)
                    epoch_logs.update({f"val_{name}": value for name, value in results.items()})
                callback_list.on_epoch_end(epoch, epoch_logs)
                logs = epoch_logs
                if self.stop_training:
                    break
        finally:
            iterator.close()
            if validation is not None:
                validation.close()
            self._epoch_iterator = self._validation_iterator = None
        if self.optimizer is not None and epochs > 0:
            self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
        callback_list.on_train_end(_floats(logs))
        assert history is not None
        return history

    def _run_epoch(self, iterator: EpochIterator, epoch: int, step: Callable[[Any], Any], callbacks: CallbackList) -> Any:
        logs: Any = None
        seen = False
        wants_begin, wants_end = callbacks.wants_train_batches()
        for number, data in _grouped(iterator.epoch(epoch, callbacks.first_step(epoch)), self.steps_per_execution):
            seen = True
            if wants_begin:
                callbacks.on_train_batch_begin(number)
            for batch in data:
                logs = step(batch)
            if wants_end:
                callbacks.on_train_batch_end(number + len(data) - 1, logs)
            if self.stop_training:
                break
        if not seen and not callbacks.first_step(epoch):
            raise ValueError(
                "The data gave no batch to train on: expected at least one sample. "
                f"Received: {iterator.describe()}"
            )
        return logs if logs is not None else Logs(self.get_metrics_result)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and the metrics over data.

        Args:
            x: Inputs, as `fit` takes them.
            y: Targets.
            batch_size: Samples per step (32).
            verbose: 0 silent, 1 a progress bar, 2 a line.
            sample_weight: A factor for each sample.
            steps: Steps to take, for endless data.
            callbacks: Callbacks.
            return_dict: Whether to return a dict by name instead of a list.

        Returns:
            The loss alone, or a list of it and the metrics, or a dict.
        """
        if kwargs:
            raise ValueError(f"Arguments not recognized by `evaluate`. Received: {sorted(kwargs)}")
        self._require_compiled("evaluate")
        iterator = EpochIterator(
            x, y, sample_weight, batch_size=batch_size, steps_per_epoch=steps, shuffle=False, owner=self
        )
        self._build_on(iterator)
        callback_list = CallbackList.of(
            callbacks,
            add_history=False,
            add_progbar=_verbosity(verbose) != 0,
            model=self,
            verbose=_verbosity(verbose),
            epochs=1,
            steps=iterator.num_batches,
        )
        results = self._evaluate(iterator, callback_list)
        iterator.close()
        if return_dict:
            return results
        values = list(results.values())
        return values[0] if len(values) == 1 else values

    def _evaluate(self, iterator: EpochIterator, callbacks: CallbackList) -> dict[str, Any]:
        step = self.make_test_function()
        # The values of the training epoch are reported already; the metrics start afresh.
        self.reset_metrics()
        callbacks.on_test_begin()
        logs: Any = None
        for number, data in _grouped(iterator.epoch(0), self.steps_per_execution):
            callbacks.on_test_batch_begin(number)
            for batch in data:
                logs = step(batch)
            callbacks.on_test_batch_end(number + len(data) - 1, logs)
            if self.stop_evaluating:
                break
        if logs is None:
            raise ValueError(
                f"The data gave no batch to evaluate: expected at least one sample. Received: {iterator.describe()}"
            )
        results = _floats(logs)
        callbacks.on_test_end(results)
        return results

    stop_evaluating = False
    stop_predicting = False

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as NumPy arrays.

        Args:
            x: Inputs, as `fit` takes them.
            batch_size: Samples per step (32).
            verbose: 0 silent, 1 a progress bar, 2 a line.
            steps: Steps to take, for endless data.
            callbacks: Callbacks.
        """
        iterator = EpochIterator(x, None, None, batch_size=batch_size, steps_per_epoch=steps, shuffle=False, owner=self)
        callback_list = CallbackList.of(
            callbacks,
            add_history=False,
            add_progbar=_verbosity(verbose) != 0,
            model=self,
            verbose=_verbosity(verbose),
            epochs=1,
            steps=iterator.num_batches,
        )
        step = self.make_predict_function()
        callback_list.on_predict_begin()
        pieces: list[list[np.ndarray[Any, Any]]] = []
        structure: Any = None
        for number, (data,) in _grouped(iterator.epoch(0), 1):
            callback_list.on_predict_batch_begin(number)
            outputs = step(data)
            flat = [np.asarray(y) for y in tree.flatten(outputs)]
            if structure is None:
                structure, pieces = outputs, [[] for _ in flat]
            for piece, values in zip(pieces, flat, strict=True):
                piece.append(values)
            callback_list.on_predict_batch_end(number, {"outputs": outputs})
            if self.stop_predicting:
                break
        iterator.close()
        if structure is None:
            raise ValueError(
                f"The data gave no batch to predict: expected at least one sample. Received: {iterator.describe()}"
            )
        callback_list.on_predict_end()
        arrays = [piece[0].copy() if len(piece) == 1 else np.concatenate(piece) for piece in pieces]
        return tree.pack_sequence_as(structure, arrays) if tree.is_nested(structure) else arrays[0]

    # ---------------------------------------------------------------- single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on exactly this batch; returns the loss and metrics since the last reset."""
        self._require_compiled("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("Give either sample_weight or class_weight. Received: both")
            from kerasish.training.data import class_weight_to_sample_weight

            sample_weight = class_weight_to_sample_weight(y, class_weight)
        data = _as_tensors(pack_x_y_sample_weight(x, y, sample_weight))
        return self._listed(self.make_train_function()(data), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and metrics after this batch."""
        self._require_compiled("test_on_batch")
        data = _as_tensors(pack_x_y_sample_weight(x, y, sample_weight))
        return self._listed(self.make_test_function()(data), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for exactly this batch, as NumPy arrays."""
        outputs = self.make_predict_function()((_as_tensors(x),))
        return tree.map_structure(np.array, outputs)

    def _listed(self, logs: Any, return_dict: bool) -> Any:
        results = _floats(logs)
        if return_dict:
            return results
        values = list(results.values())
        return values[0] if len(values) == 1 else values

    def _build_on(self, iterator: EpochIterator) -> None:
        """Create the weights of a model that has not seen data, from the first batch."""
        model: Any = self
        if all(layer.built for layer in model._flatten_layers()):
            return
        batch = iterator.peek()
        if batch is None:
            return
        x, _, _ = unpack_x_y_sample_weight(batch)
        try:
            symbols = tree.map_structure(_symbol, x)
            model(symbols, training=False)
        except Exception:  # what cannot be traced is built by its first step on data
            return


def _symbol(leaf: Any) -> Any:
    from kerasish.autodiff import KerasTensor

    return KerasTensor((None, *leaf.shape[1:]), leaf.dtype) if isinstance(leaf, Tensor) else leaf


def _as_tensors(data: Any) -> Any:
    return tree.map_structure(lambda leaf: None if leaf is None else convert_to_tensor(leaf), data)


def _check_whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ValueError(f"Expected {name} to be an int of at least {least}. Received: {name}={value!r}")


def _verbosity(verbose: Any) -> int:
    if verbose == "auto":
        return 1 if config.is_interactive_logging_enabled() else 2
    if verbose not in (0, 1, 2):
        raise ValueError(f"Expected verbose to be 0, 1, 2 or 'auto'. Received: verbose={verbose!r}")
    return int(verbose)


def _due(validation_freq: Any, epoch: int) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def _floats(logs: Any) -> dict[str, Any]:
    """The values to report, read from the device."""
    return {} if logs is None else Logs.of(logs).read()


def _grouped(batches: Iterator[Any], size: int) -> Iterator[tuple[int, list[Any]]]:
    """The batches in groups, with the number of the first of each."""
    number, group = 0, []
    for number, batch in batches:
        group.append(batch)
        if len(group) == size:
            yield number - size + 1, group
            group = []
    if group:
        yield number - len(group) + 1, group
