"""`Dot`: sums of products of two tensors, sample by sample, and the same as a function."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.merging.base_merge import Merge

_LETTERS = "abcdefghijklmnopqrstuvwxy"


class Dot(Merge):
    """The products of two tensors, summed over one axis of each, sample by sample.

    Args:
        axes: The axis of both tensors, or a pair of axes. The batch is axis 0.
        normalize: Whether both are divided by their length along the axis: cosine proximity.

    The output has the other axes of the first tensor, then those of the second; `(batch, 1)` when there are none.

    >>> from kerasish import ops
    >>> Dot(axes=1)([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])]).tolist()
    [[11.0]]
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, (int, list, tuple)):
            raise TypeError(f"Expected axes of the layer {self.name!r} to be an int or a pair. Received: axes={axes!r}")
        if not isinstance(axes, int) and (len(axes) != 2 or not all(isinstance(axis, int) for axis in axes)):
            raise ValueError(
                f"Expected axes of the layer {self.name!r} to be an int or a pair. Received: axes={axes!r}"
            )
        self.axes = axes
        self.normalize = normalize

    def _resolved(self, shapes: Any) -> tuple[int, int]:
        if len(shapes) != 2:
            raise ValueError(f"The layer {self.name!r} takes two inputs. Received: input_shape={shapes}")
        given = (self.axes, self.axes) if isinstance(self.axes, int) else tuple(self.axes)
        axes = []
        for axis, shape in zip(given, shapes, strict=True):
            if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
                raise ValueError(
                    f"The axes {self.axes} of the layer {self.name!r} must be axes of the inputs other than the batch. "
                    f"Received: input_shape={shapes}"
                )
            axes.append(axis % len(shape))
        first, second = shapes[0][axes[0]], shapes[1][axes[1]]
        if first is not None and second is not None and first != second:
            raise ValueError(
                f"The layer {self.name!r} sums over axes of one size: {first} is not {second}. "
                f"Received: input_shape={shapes}"
            )
        return axes[0], axes[1]

    def build(self, input_shape: Any) -> None:
        self._check_list(input_shape)
        self._resolved(input_shape)

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"The layer {self.name!r} takes a list of inputs. Received: inputs={inputs!r}")
        first, second = self._resolved([x.shape for x in inputs])
        x, y = inputs
        if self.normalize:
            x, y = ops.normalize(x, axis=first), ops.normalize(y, axis=second)
        x_letters = _LETTERS[: x.ndim]
        y_letters = ["a", *_LETTERS[x.ndim : x.ndim + y.ndim - 1]]
        y_letters[second] = x_letters[first]
        kept = x_letters.replace(x_letters[first], "") + "".join(y_letters[1:]).replace(x_letters[first], "")
        result = ops.einsum(f"{x_letters},{''.join(y_letters)}->{kept}", x, y)
        return ops.expand_dims(result, -1) if result.ndim == 1 else result

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        self._check_list(input_shape)
        first, second = self._resolved(input_shape)
        x, y = list(input_shape[0]), list(input_shape[1])
        del x[first], y[second]
        shape = (x[0] if x[0] is not None else y[0], *x[1:], *y[1:])
        return (*shape, 1) if len(shape) == 1 else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Tensor:
    """The products of two tensors, summed over one axis of each, by a `Dot` layer made for it.

    >>> from kerasish import ops
    >>> dot([ops.array([[1.0, 2.0]]), ops.array([[3.0, 4.0]])], axes=1).tolist()
    [[11.0]]
    """
    return Dot(axes=axes, **kwargs)(inputs)
