"""`Compiled`: what `compile` sets, and the metrics that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import tree
from kerasish.training.compile_loss import CompileLoss
from kerasish.training.compile_metrics import CompileMetrics
from kerasish.training.running_mean import RunningMean

if TYPE_CHECKING:
    from kerasish.metrics import Metric


class Compiled:
    """The optimizer, the losses and the metrics of a model."""

    def __init__(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.compiled = False
        self.loss: Any = None
        self.steps_per_execution = 1
        self.run_eagerly = False
        self.jit_compile: Any = "auto"
        self._compile_arguments: dict[str, Any] | None = None
        self._compile_loss: CompileLoss | None = None
        self._compile_metrics: CompileMetrics | None = None
        self._loss_tracker: RunningMean | None = None
        self._added_metrics: list[Any] = []

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
            run_eagerly: Whether each step runs operation by operation (the numbers are the same). Otherwise, on a
                GPU, a step is recorded once and replayed: what Python does in it besides is done once, and tensors
                that are kept from it change with the next step.
            steps_per_execution: How many steps run between two calls of the callbacks.
            jit_compile: False: no step is recorded.
            auto_scale_loss: Whether the loss is scaled where half-precision gradients would vanish.
        """
        from kerasish import optimizers

        if not isinstance(steps_per_execution, (int, np.integer)) or steps_per_execution < 1:
            raise ValueError(f"Expected steps_per_execution to be a positive int. Received: {steps_per_execution!r}")
        # Everything is made before anything is set: after an error, the earlier settings are still good.
        chosen = optimizers.get(optimizer)
        names = self._output_names()
        compile_loss: CompileLoss | None = None
        if loss is not None:
            compile_loss = (
                loss if isinstance(loss, CompileLoss) else CompileLoss(loss, loss_weights, output_names=names)
            )
        elif loss_weights is not None:
            raise ValueError(f"loss_weights need a loss. Received: loss=None, loss_weights={loss_weights!r}")
        compile_metrics: CompileMetrics | None = None
        if metrics is not None or weighted_metrics is not None:
            compile_metrics = CompileMetrics(metrics, weighted_metrics, output_names=names)
        policy = getattr(self, "dtype_policy", None)
        half = policy is not None and policy.name == "mixed_float16"
        if auto_scale_loss and half and not isinstance(chosen, optimizers.LossScaleOptimizer):
            chosen = optimizers.LossScaleOptimizer(chosen, name="loss_scale_optimizer")
        self.optimizer = chosen
        self.loss = loss
        self._compile_loss = compile_loss
        self._compile_metrics = compile_metrics
        self._loss_tracker = RunningMean(name="loss")
        self.steps_per_execution = int(steps_per_execution)
        self.run_eagerly = run_eagerly
        self.jit_compile = jit_compile
        self.stop_training = False
        self.compiled = True
        self._forget_functions()
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

    def _forget_functions(self) -> None:
        """Let go of what was made for the earlier settings."""

    def _output_names(self) -> list[str] | None:
        """The names by which losses and metrics can be given, where the model knows its outputs."""
        if getattr(self, "_graph", None) is None:
            return None
        structure = self._outputs_structure  # type: ignore[attr-defined]
        if isinstance(structure, dict) and not any(tree.is_nested(leaf) for leaf in structure.values()):
            return sorted(structure)
        return self.output_names  # type: ignore[attr-defined]

    def _require_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(
                f"The model {self.name!r} must be compiled before `{method}`: "  # type: ignore[attr-defined]
                "call model.compile(optimizer=…, loss=…) first. Received: compiled=False"
            )

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
        own: list[Any] = [self._loss_tracker] if self._loss_tracker is not None else []
        if self._compile_metrics is not None:
            own.extend(self._compile_metrics.metrics)
        if self._compile_loss is not None:
            own.extend(self._compile_loss.metrics)
        return list({id(metric): metric for metric in [*own, *self._metrics_of_layers()]}.values())

    def _metrics_of_layers(self) -> list[Any]:
        return self._find_metrics()

    def _find_metrics(self) -> list[Any]:
        """The metrics that the model and its layers hold."""
        from kerasish.layers.tracking import held
        from kerasish.metrics import Metric

        found: list[Any] = []
        for layer in self._flatten_layers():  # type: ignore[attr-defined]
            # The trackers of the losses of this model come first, and those of models inside it are not its own.
            tracker = getattr(layer, "_loss_tracker", None)
            found.extend(metric for metric in held(layer, Metric) if metric is not tracker)
            found.extend(getattr(layer, "_added_metrics", ()))
        return found

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
        compiled = self._compile_metrics
        together = {id(metric) for metric in compiled.metrics} if compiled is not None else set()
        for metric in self.metrics:
            if id(metric) in together:
                if compiled is not None:
                    results.update(compiled.result())
                    compiled = None
                continue
            value = metric.result()
            if isinstance(value, dict):
                results.update(value)
            else:
                results[metric.name] = value
        return results

    def _listed(self, results: dict[str, Any], return_dict: bool) -> Any:
        """The values as `evaluate` returns them: a dict, or a list in the order of the metrics."""
        if return_dict:
            return results
        names = [metric.name for metric in self.metrics]
        first = [name for name in dict.fromkeys(names) if name in results]
        values = [results[name] for name in [*first, *sorted(results.keys() - set(first))]]
        return values[0] if len(values) == 1 else values
