"""`TerminateOnNaN`: end a training whose loss is no number."""

from __future__ import annotations

import math
from typing import Any

from kerasish.callbacks.callback import Callback
from kerasish.utils.progress import write_text


class TerminateOnNaN(Callback):
    """Ends the training when the loss is NaN or infinite. It has the loss read after each step.

    Args:
        raise_error: Whether to raise a RuntimeError instead, so that no callback sees the end of the training.

    >>> TerminateOnNaN().raise_error
    False
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"NaN or Inf loss encountered at batch {batch}. Received: loss={loss}")
        write_text(f"Batch {batch}: Invalid loss, terminating training\n")
        self.model.stop_training = True
