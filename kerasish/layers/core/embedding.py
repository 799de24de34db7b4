"""`Embedding`: a vector for each integer."""

from __future__ import annotations

from typing import Any

from kerasish import constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor, Variable
from kerasish.layers.core.quantization import refuse_quantization
from kerasish.layers.layer import Layer


class Embedding(Layer):
    """A table that turns each integer into a vector: `outputs[i, :] = embeddings[inputs[i], :]`.

    Args:
        input_dim: The number of rows: the largest integer, plus one.
        output_dim: The size of the vectors.
        embeddings_initializer: Initializer of the table.
        embeddings_regularizer: Regularizer of the table.
        embeddings_constraint: Constraint of the table.
        mask_zero: Whether 0 is padding, which the layers that follow leave out.
        weights: The first value of the table, `(input_dim, output_dim)`, or a list that holds it.
        lora_rank: Must be None: low-rank adaptation of a table is not supported.
        lora_alpha: Must be None.
        quantization_config: Must be None: quantization is not supported.
        **kwargs: The arguments of `Layer`; Keras 2's `input_length` is accepted and not used.

    Inputs have any shape; outputs have one dimension more, of size `output_dim`.

    Raises:
        ValueError: If a size is not a positive int.
        IndexError: In a call on the CPU, if an integer is out of range.

    >>> from kerasish import ops
    >>> layer = Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> layer(ops.array([[2, 1]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    _embeddings: Variable

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        for argument, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() <= 0:
                raise ValueError(
                    f"Expected {argument} of an Embedding to be a positive int. Received: {argument}={value!r}"
                )
        kwargs.pop("input_length", None)
        super().__init__(**kwargs)
        refuse_quantization(self, quantization_config)
        if lora_rank is not None or lora_alpha is not None:
            raise ValueError(
                f"Low-rank adaptation is not supported by the Embedding {self.name!r}. "
                f"Received: lora_rank={lora_rank!r}, lora_alpha={lora_alpha!r}"
            )
        self.input_dim = input_dim.__index__()
        self.output_dim = output_dim.__index__()
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = bool(mask_zero)
        # Half-precision floats cannot hold all integers.
        self.autocast = False
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        if self.built:
            return
        self._embeddings = self.add_weight(
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            name="embeddings",
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    @property
    def embeddings(self) -> Variable:
        """The table."""
        if not self.built:
            raise AttributeError(f"The layer {self.name!r} has no embeddings before it is built.")
        return self._embeddings

    def call(self, inputs: Any) -> Tensor:
        try:
            outputs = ops.embedding(self._embeddings, inputs)
        except IndexError as error:
            raise IndexError(
                f"The layer {self.name!r} takes integers from 0 to {self.input_dim - 1}. "
                f"Received: inputs from {int(ops.min(inputs))} to {int(ops.max(inputs))}"
            ) from error
        return outputs if outputs.dtype == self.compute_dtype else ops.cast(outputs, self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": initializers.serialize(self.embeddings_initializer),
            "embeddings_regularizer": regularizers.serialize(self.embeddings_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "embeddings_constraint": constraints.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
        }
