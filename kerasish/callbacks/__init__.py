"""Callbacks: what is done at the points of a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasish.lazy import attach

if TYPE_CHECKING:
    from kerasish.callbacks.backup_and_restore import BackupAndRestore
    from kerasish.callbacks.callback import Callback
    from kerasish.callbacks.callback_list import CallbackList
    from kerasish.callbacks.csv_logger import CSVLogger
    from kerasish.callbacks.early_stopping import EarlyStopping
    from kerasish.callbacks.history import History
    from kerasish.callbacks.lambda_callback import LambdaCallback
    from kerasish.callbacks.learning_rate_scheduler import LearningRateScheduler
    from kerasish.callbacks.model_checkpoint import ModelCheckpoint
    from kerasish.callbacks.progbar_logger import ProgbarLogger
    from kerasish.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
    from kerasish.callbacks.swap_ema_weights import SwapEMAWeights
    from kerasish.callbacks.terminate_on_nan import TerminateOnNaN

_NAMES = {
    "BackupAndRestore": "backup_and_restore",
    "CSVLogger": "csv_logger",
    "Callback": "callback",
    "CallbackList": "callback_list",
    "EarlyStopping": "early_stopping",
    "History": "history",
    "LambdaCallback": "lambda_callback",
    "LearningRateScheduler": "learning_rate_scheduler",
    "ModelCheckpoint": "model_checkpoint",
    "ProgbarLogger": "progbar_logger",
    "ReduceLROnPlateau": "reduce_lr_on_plateau",
    "SwapEMAWeights": "swap_ema_weights",
    "TerminateOnNaN": "terminate_on_nan",
}

__getattr__, __dir__ = attach(__name__, {name: f"{__name__}.{module}" for name, module in _NAMES.items()})

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]
