"""`SpectralNormalization`: a layer whose kernel has the spectral norm 1."""

from __future__ import annotations

from typing import Any

from kerasish import initializers, ops
from kerasish.autodiff import Tensor, no_recording
from kerasish.layers.core.wrapper import Wrapper
from kerasish.layers.input_spec import InputSpec


class SpectralNormalization(Wrapper):
    """A layer whose kernel is divided, in each training step, by its largest singular value.

    The kernel, seen as a matrix with its last axis as columns, is `K`. A vector `u` is kept; each power iteration
    takes `v = norm(u @ K.T)`, `u = norm(v @ K)`, and `sigma = v @ K @ u.T` estimates the singular value.

    Args:
        layer: The layer, with a weight `kernel` or `embeddings`.
        power_iterations: The number of iterations in a step.
        **kwargs: Arguments of `Layer`.

    Raises:
        ValueError: If there is no iteration, or the layer has no such weight.

    Source: Miyato et al., 2018, arXiv:1802.05957.

    >>> from kerasish import layers, ops
    >>> layer = SpectralNormalization(layers.Dense(2, kernel_initializer="ones", use_bias=False))
    >>> layer(ops.ones((1, 2)), training=True).numpy().round(5).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(
                f"Expected power_iterations of the layer {self.name!r} to be positive. "
                f"Received: power_iterations={power_iterations}"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", None)
        if kernel is None:
            kernel = getattr(self.layer, "embeddings", None)
        if kernel is None:
            raise ValueError(
                f"The layer inside {self.name!r} must have a weight `kernel` or `embeddings`. "
                f"Received: {type(self.layer).__name__} named {self.layer.name!r}"
            )
        self.kernel = kernel
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            dtype=kernel.dtype,
            trainable=False,
        )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training:
            vector_u, kernel = self.normalized_weights()
            self.vector_u.assign(vector_u)
            self.kernel.assign(kernel)
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Tensor, Tensor]:
        """The vector after the iterations, and the kernel divided by its singular value. Zeros stay zeros."""
        with no_recording():
            matrix = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
            u: Any = self.vector_u
            v: Any = None
            for _ in range(self.power_iterations):
                v = _unit(ops.matmul(u, ops.transpose(matrix)))
                u = _unit(ops.matmul(v, matrix))
            sigma = ops.matmul(ops.matmul(v, matrix), ops.transpose(u))
            # A kernel of zeros has no singular vectors; nothing is read back from the device to find out.
            zero = ops.logical_not(ops.any(ops.not_equal(matrix, 0.0)))
            kernel = ops.where(zero, self.kernel, self.kernel / sigma)
            return ops.where(zero, self.vector_u, u), ops.reshape(kernel, self.kernel.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Tensor) -> Tensor:
    return ops.reshape(ops.normalize(ops.reshape(x, (-1,))), x.shape)
