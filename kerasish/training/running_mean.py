"""`RunningMean`: the mean of a number over the samples of an epoch, at the cost of two additions."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor, state
from kerasish.autodiff.host_values import keep
from kerasish.backend import K
from kerasish.metrics import Mean


class RunningMean(Mean):
    """A `Mean` of one number a batch, weighted with the size of the batch.

    >>> from kerasish.autodiff import convert_to_tensor
    >>> mean = RunningMean(name="loss")
    >>> mean.add(convert_to_tensor(1.0), 3)
    >>> mean.add(convert_to_tensor(5.0), 1)
    >>> float(mean.result())
    2.0
    """

    def add(self, value: Tensor, size: int) -> None:
        """Take in the mean of a batch.

        Args:
            value: The mean; a scalar.
            size: The number of samples.
        """
        array = value.array
        total = self.total.array
        if array.dtype != total.dtype:
            # In half precision the product would overflow.
            array = K.cast(array, dtype=total.dtype)
        part, count = (array * size).reshape(1), self._size(size)
        K.accumulate(total.reshape(1), part)
        K.accumulate(self.count.array.reshape(1), count)

    def _size(self, size: int) -> Any:
        # One array for the many batches of one size.
        if size != self._held_size:
            array = K.full((1,), value=size, dtype=self.count.array.dtype)
            if state.recorder is not None:
                # It has no value before the recorded step is replayed.
                return array
            self._held_size, self._size_array = size, array
        return keep(self._size_array)

    _held_size = -1
    _size_array: Any = None
