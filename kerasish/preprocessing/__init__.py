"""`keras.preprocessing`: helpers that prepare data."""

from kerasish.preprocessing import sequence

__all__ = ["sequence"]
