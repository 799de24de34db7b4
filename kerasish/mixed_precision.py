"""`keras.mixed_precision`: dtype policies, and the optimizer that scales losses."""

from kerasish.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from kerasish.dtype_policies import dtype_policy as global_policy
from kerasish.dtype_policies import set_dtype_policy as set_global_policy
from kerasish.optimizers import LossScaleOptimizer

Policy = DTypePolicy

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]
