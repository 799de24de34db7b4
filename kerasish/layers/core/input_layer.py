"""`Input` and `InputLayer`: where data enters a model."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import CallNode, KerasTensor, standardize_shape
from kerasish.backend.dtypes import standardize_dtype
from kerasish.layers.layer import Layer


class InputLayer(Layer):
    """The layer behind `Input`.

    Args:
        shape: The shape of one sample.
        batch_size: The size of the batch, where it is fixed.
        dtype: The dtype of the data; the default float.
        sparse: Must be false or None: sparse tensors are not supported.
        ragged: Likewise.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        input_tensor: A KerasTensor to use instead of a new one.
        optional: Whether the model may be called with None for it.
        name: The layer's name.

    >>> InputLayer(shape=(3,)).batch_shape
    (None, 3)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        legacy_shape = kwargs.pop("input_shape", None)
        legacy_batch_shape = kwargs.pop("batch_input_shape", None)
        kwargs.pop("type_spec", None)
        super().__init__(name=name, **kwargs)
        shape = legacy_shape if shape is None else shape
        batch_shape = legacy_batch_shape if batch_shape is None else batch_shape
        if sparse or ragged:
            raise ValueError(f"Sparse and ragged inputs are not supported. Received: {sparse=}, {ragged=}")
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ValueError(f"Expected input_tensor to be a KerasTensor. Received: {input_tensor!r}")
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
        elif batch_shape is None:
            if shape is None:
                raise ValueError("An input needs a `shape` (of one sample) or a `batch_shape`. Received: neither")
            batch_shape = (batch_size, *standardize_shape(shape))
        elif shape is not None:
            raise ValueError(f"Give either `shape` or `batch_shape`. Received: {shape=}, {batch_shape=}")
        self._batch_shape = standardize_shape(batch_shape)
        self._input_dtype = standardize_dtype(dtype)
        self.optional = optional
        self.built = True
        self._build_shapes = {}
        tensor = (
            input_tensor
            if input_tensor is not None
            else KerasTensor(self._batch_shape, self._input_dtype, name=self.name)
        )
        CallNode(self, (), {}, tensor)

    def call(self) -> Any:
        """Never called on data: the model hands its inputs to the layers that follow."""
        raise NotImplementedError("An InputLayer is not called.")

    @property
    def dtype(self) -> str:
        """The dtype of the data."""
        return self._input_dtype

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape, with the batch."""
        return self._batch_shape

    def get_config(self) -> dict[str, Any]:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(  # noqa: N802
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """A KerasTensor where data enters a model.

    Args:
        shape: The shape of one sample, without the batch; None where any size will do.
        batch_size: The size of the batch, where it is fixed.
        dtype: The dtype of the data; the default float.
        sparse: Must be false or None.
        ragged: Must be false or None.
        batch_shape: The shape with the batch, in place of `shape` and `batch_size`.
        name: A name.
        tensor: A KerasTensor to use instead of a new one.
        optional: Whether the model may be called with None for it.

    >>> Input(shape=(28, 28, 1)).shape
    (None, 28, 28, 1)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    return layer.output
