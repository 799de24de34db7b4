"""Optimizer updates: chains of in-place passes over blocks, with one scratch buffer a thread."""

from kerasish.backend.numpy.optimizer._adagrad import adadelta_update, adagrad_update
from kerasish.backend.numpy.optimizer._adam import adam_update, adamax_update, nadam_update
from kerasish.backend.numpy.optimizer._buffers import (
    accumulate,
    clip_values,
    ema_update,
    scale,
    sum_squares,
    weight_decay_update,
)
from kerasish.backend.numpy.optimizer._ftrl import ftrl_update
from kerasish.backend.numpy.optimizer._lion import lion_update
from kerasish.backend.numpy.optimizer._rmsprop import rmsprop_update
from kerasish.backend.numpy.optimizer._sgd import sgd_update

__all__ = [
    "accumulate",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "clip_values",
    "ema_update",
    "ftrl_update",
    "lion_update",
    "nadam_update",
    "rmsprop_update",
    "scale",
    "sgd_update",
    "sum_squares",
    "weight_decay_update",
]
