"""Tensors, variables, tapes, and the one place where an operation is applied."""

from kerasish.autodiff.custom_gradient import custom_gradient, stop_gradient
from kerasish.autodiff.mirrored import Mirrored
from kerasish.autodiff.naming import auto_name, reset_names, to_snake_case
from kerasish.autodiff.operation import REGISTRY, CallNode, FunctionOperation, KerasHistory, Operation, node_of, op
from kerasish.autodiff.primitive import CAST, IDENTITY, Node, Primitive, apply, dummy, fused
from kerasish.autodiff.state import (
    abstract_mode,
    autocast,
    current_path,
    name_scope,
    no_recording,
    state,
    training_scope,
)
from kerasish.autodiff.symbolic import KerasTensor, infer_output, is_symbolic, standardize_shape
from kerasish.autodiff.tape import GradientTape
from kerasish.autodiff.tensor import Tensor, convert_to_array, convert_to_tensor, install_operators
from kerasish.autodiff.variable import Variable

__all__ = [
    "CAST",
    "IDENTITY",
    "REGISTRY",
    "CallNode",
    "FunctionOperation",
    "GradientTape",
    "KerasHistory",
    "KerasTensor",
    "Mirrored",
    "Node",
    "Operation",
    "Primitive",
    "Tensor",
    "Variable",
    "abstract_mode",
    "apply",
    "auto_name",
    "autocast",
    "convert_to_array",
    "convert_to_tensor",
    "current_path",
    "custom_gradient",
    "dummy",
    "fused",
    "infer_output",
    "install_operators",
    "is_symbolic",
    "name_scope",
    "no_recording",
    "node_of",
    "op",
    "reset_names",
    "standardize_shape",
    "state",
    "stop_gradient",
    "to_snake_case",
    "training_scope",
]
