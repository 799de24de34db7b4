"""kerasish: a light, Keras-compatible deep-learning toolkit on NumPy and CuPy arrays.

>>> import kerasish
>>> model = kerasish.Sequential([kerasish.Input((4,)), kerasish.layers.Dense(3, activation="softmax")])
>>> model.output_shape
(None, 3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasish.lazy import attach
from kerasish.version import __version__

if TYPE_CHECKING:
    from kerasish import (
        activations,
        autodiff,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        dtype_policies,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        tree,
        utils,
    )
    from kerasish.autodiff import GradientTape, KerasTensor, Operation, Tensor, Variable, name_scope
    from kerasish.dtype_policies import DTypePolicy, FloatDTypePolicy
    from kerasish.initializers import Initializer
    from kerasish.layers import Input, InputSpec, Layer
    from kerasish.losses import Loss
    from kerasish.metrics import Metric
    from kerasish.models import Model, Sequential
    from kerasish.optimizers import Optimizer
    from kerasish.regularizers import Regularizer

_MODULES = (
    "activations autodiff backend callbacks config constraints datasets dtype_policies initializers layers losses "
    "metrics mixed_precision models ops optimizers preprocessing random regularizers saving tree utils"
)
_HOMES = {
    "autodiff": "GradientTape KerasTensor Operation Tensor Variable name_scope",
    "dtype_policies": "DTypePolicy FloatDTypePolicy",
    "initializers": "Initializer",
    "layers": "Input InputSpec Layer",
    "losses": "Loss",
    "metrics": "Metric",
    "models": "Model Sequential",
    "optimizers": "Optimizer",
    "regularizers": "Regularizer",
}

__getattr__, __dir__ = attach(
    "kerasish",
    {name: f"kerasish.{name}" for name in _MODULES.split()}
    | {name: f"kerasish.{module}" for module, names in _HOMES.items() for name in names.split()},
)


def version() -> str:
    """The version of kerasish."""
    return __version__


__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "autodiff",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "version",
]
