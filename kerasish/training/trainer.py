"""`Trainer`: compile, fit, evaluate and predict. The part of a model that trains it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import backend, config, tree
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.callbacks.callback_list import CallbackList, Logs
from kerasish.training.data import EpochIterator, pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasish.training.steps import Steps

if TYPE_CHECKING:
    from kerasish.callbacks.history import History


def on_device(method: Callable[..., Any]) -> Callable[..., Any]:
    """Around a method: what it does on a device goes, in order, where steps can be recorded; errors say what to do."""

    @functools.wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        recorder = backend.recorder()
        if recorder is None:
            return method(self, *args, **kwargs)
        try:
            with recorder.running():
                return method(self, *args, **kwargs)
        except Exception as error:
            told = backend.explained(error)
            if told is None:
                raise
            raise told from error

    return wrapper


class Trainer(Steps):
    """Training for a model: what `compile` sets, and the loops that use it."""

    stop_evaluating = False
    stop_predicting = False

    def __init__(self) -> None:
        super().__init__()
        self.history: History | None = None
        self._epoch_iterator: EpochIterator | None = None
        self._validation_iterator: EpochIterator | None = None

    @on_device
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
        _check_whole("epochs", epochs, 0)
        _check_whole("initial_epoch", initial_epoch, 0)
        _check_frequency(validation_freq)
        shown = _verbosity(verbose)
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
        callback_list = CallbackList.of(
            callbacks,
            add_history=True,
            add_progbar=shown != 0,
            model=self,
            verbose=shown,
            epochs=epochs,
            steps=iterator.num_batches,
        )
        history = next((c for c in callback_list if isinstance(c, History)), None)
        assert history is not None
        self.stop_training = False
        self._look_again()
        self._epoch_iterator, self._validation_iterator = iterator, validation
        logs: Logs | dict[str, Any] | None = None
        try:
            self._build_on(iterator)
            callback_list.on_train_begin()
            self.history = history
            initial_epoch = callback_list.initial_epoch(initial_epoch)
            for epoch in range(initial_epoch, epochs):
                if epoch > initial_epoch and iterator.exhausted():
                    break
                self.reset_metrics()
                callback_list.on_epoch_begin(epoch)
                logs = self._run_epoch(iterator, epoch, callback_list)
                epoch_logs = _floats(logs)
                if validation is not None and _due(validation_freq, epoch):
                    results = self._evaluate(validation, callback_list)
                    epoch_logs.update({f"val_{name}": value for name, value in results.items()})
                    epoch_logs = dict(sorted(epoch_logs.items()))
                callback_list.on_epoch_end(epoch, epoch_logs)
                logs = epoch_logs
                if self.stop_training:
                    break
            if self.optimizer is not None and epochs > 0:
                self.optimizer.finalize_variable_values(self.trainable_variables)  # type: ignore[attr-defined]
            callback_list.on_train_end(_floats(logs))
        finally:
            iterator.close()
            if validation is not None:
                validation.close()
            self._epoch_iterator = self._validation_iterator = None
            self._look_again()
        return history

    def _run_epoch(self, iterator: EpochIterator, epoch: int, callbacks: CallbackList) -> Any:
        # A callback may have compiled the model again.
        step = self.make_train_function()
        logs: Any = None
        seen = False
        wants_begin, wants_end = callbacks.wants_train_batches()
        batches = iterator.epoch(epoch, callbacks.first_step(epoch))
        if not wants_begin and not wants_end:
            for _, batch in batches:
                logs = step(batch)
                if self.stop_training:
                    break
            seen = logs is not None
            batches = iter(())
        for number, data in _grouped(batches, self.steps_per_execution):
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
                f"The data gave no batch to train on: expected at least one sample. Received: {iterator.describe()}"
            )
        return logs if logs is not None else Logs(self.get_metrics_result)

    @on_device
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
        shown = _verbosity(verbose)
        self.stop_evaluating = False
        iterator = EpochIterator(
            x, y, sample_weight, batch_size=batch_size, steps_per_epoch=steps, shuffle=False, owner=self
        )
        callback_list = CallbackList.of(
            callbacks,
            add_history=False,
            add_progbar=shown != 0,
            model=self,
            verbose=shown,
            epochs=1,
            steps=iterator.num_batches,
        )
        self._look_again()
        try:
            self._build_on(iterator)
            results = self._evaluate(iterator, callback_list)
        finally:
            iterator.close()
            self._look_again()
        return self._listed(results, return_dict)

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

    @on_device
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
        shown = _verbosity(verbose)
        self.stop_predicting = False
        iterator = EpochIterator(x, None, None, batch_size=batch_size, steps_per_epoch=steps, shuffle=False, owner=self)
        callback_list = CallbackList.of(
            callbacks,
            add_history=False,
            add_progbar=shown != 0,
            model=self,
            verbose=shown,
            epochs=1,
            steps=iterator.num_batches,
        )
        self._look_again()
        step = self.make_predict_function()
        pieces: list[list[np.ndarray[Any, Any]]] = []
        structure: Any = None
        try:
            callback_list.on_predict_begin()
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
        finally:
            iterator.close()
        if structure is None:
            raise ValueError(
                f"The data gave no batch to predict: expected at least one sample. Received: {iterator.describe()}"
            )
        callback_list.on_predict_end()
        arrays = [piece[0].copy() if len(piece) == 1 else np.concatenate(piece) for piece in pieces]
        return tree.pack_sequence_as(structure, arrays) if tree.is_nested(structure) else arrays[0]

    # ---------------------------------------------------------------- single batches

    @on_device
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """One step of training on exactly this batch.

        Args:
            x: The inputs.
            y: The targets.
            sample_weight: The weights of the samples.
            class_weight: The weights of the classes, instead.
            return_dict: Whether to return a dict by name instead of a list.

        Returns:
            The loss and the metrics of this batch.
        """
        self._require_compiled("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("Give either class_weight or sample_weight. Received: both")
            from kerasish.training.data import class_weight_to_sample_weight

            sample_weight = class_weight_to_sample_weight(np.asarray(y), class_weight)
        return self._on_batch(self.make_train_function(), x, y, sample_weight, return_dict)

    @on_device
    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """The loss and the metrics of exactly this batch.

        Args:
            x: The inputs.
            y: The targets.
            sample_weight: The weights of the samples.
            return_dict: Whether to return a dict by name instead of a list.
        """
        self._require_compiled("test_on_batch")
        return self._on_batch(self.make_test_function(), x, y, sample_weight, return_dict)

    def _on_batch(self, step: Callable[[Any], Any], x: Any, y: Any, sample_weight: Any, return_dict: bool) -> Any:
        data = _as_tensors(pack_x_y_sample_weight(x, y, sample_weight))
        self.reset_metrics()
        self._look_again()
        try:
            return self._listed(_floats(step(data)), return_dict)
        finally:
            self._look_again()

    @on_device
    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for exactly this batch, as NumPy arrays."""
        outputs = self.make_predict_function()((_as_tensors(x),))
        return tree.map_structure(np.array, outputs)

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
    if isinstance(verbose, str) and verbose == "auto":
        return 1 if config.is_interactive_logging_enabled() else 2
    if not isinstance(verbose, (int, np.integer)) or verbose not in (0, 1, 2):
        raise ValueError(f"Expected verbose to be 0, 1, 2 or 'auto'. Received: verbose={verbose!r}")
    return int(verbose)


def _check_frequency(validation_freq: Any) -> None:
    if isinstance(validation_freq, (int, np.integer)) and not isinstance(validation_freq, bool) and validation_freq > 0:
        return
    if not isinstance(validation_freq, (list, tuple, set, range)):
        raise ValueError(
            "Expected validation_freq to be a positive int, or a list of the epochs (from 1). "
            f"Received: validation_freq={validation_freq!r}"
        )


def _due(validation_freq: Any, epoch: int) -> bool:
    if isinstance(validation_freq, (int, np.integer)):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def _floats(logs: Any) -> dict[str, Any]:
    """The values to report, read from the device."""
    return {} if logs is None else dict(sorted(Logs.of(logs).read().items()))


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
