"""`BatchNormalization`: normalization by the moments of the batch, or by their moving averages."""

from __future__ import annotations

from typing import Any

from kerasish import config, initializers, ops
from kerasish.autodiff import Tensor, Variable, no_recording
from kerasish.backend.dtypes import result_type
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.normalization.affine import AffineNormalization
from kerasish.layers.normalization.axes import Shape, require_axes, require_sizes
from kerasish.layers.normalization.batch_renormalization import Renormalization


class BatchNormalization(AffineNormalization):
    """Normalization of each channel: `gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`.

    In training, `mean` and the (biased) `variance` are those of the batch over all axes but `axis`, and
    `moving_mean` and `moving_variance` follow them: `moving = momentum * moving + (1 - momentum) * batch`.
    Otherwise, and in a layer that is frozen (`trainable = False`), the moving ones are used and left alone.

    Args:
        axis: The axis of the channels.
        momentum: How slowly the moving averages follow.
        epsilon: Keeps the division finite.
        center: Whether there is an offset `beta`.
        scale: Whether there is a scale `gamma`.
        beta_initializer: Initializer of the offset.
        gamma_initializer: Initializer of the scale.
        moving_mean_initializer: Initializer of the moving mean.
        moving_variance_initializer: Initializer of the moving variance.
        beta_regularizer: Regularizer of the offset.
        gamma_regularizer: Regularizer of the scale.
        beta_constraint: Constraint of the offset.
        gamma_constraint: Constraint of the scale.
        renorm: Whether training corrects the moments of the batch towards their moving averages (batch
            renormalization, for small batches).
        renorm_clipping: The bounds `rmin` and `rmax` of the scale and `dmax` of the offset of that correction;
            each may be left out.
        renorm_momentum: The momentum of the averages that it uses.
        synchronized: Must be False: there is one replica.
        **kwargs: Arguments of `Layer`.

    Outputs have the shape of the inputs. A mask `(batch, ...)` with one dimension less than the inputs leaves
    what it hides out of the moments. The weights are `gamma`, `beta`, `moving_mean`, `moving_variance`.

    Raises:
        ValueError: If an argument, the axis or the mask does not fit.

    Sources: Ioffe and Szegedy, 2015, arXiv:1502.03167; Ioffe, 2017, arXiv:1702.03275.

    >>> from kerasish import ops
    >>> layer = BatchNormalization(epsilon=0.0, momentum=0.5)
    >>> layer(ops.array([[1.0], [3.0]]), training=True).tolist()
    [[-1.0], [1.0]]
    >>> layer.moving_mean.numpy().tolist()
    [1.0]
    """

    moving_stddev: Variable
    renorm_mean: Variable
    renorm_stddev: Variable

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            epsilon=float(epsilon),
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]  # files of Keras 2 hold a list
        if not hasattr(axis, "__index__"):
            raise ValueError(f"Expected axis of the layer {self.name!r} to be an int. Received: axis={axis!r}")
        if synchronized:
            raise ValueError(
                f"The layer {self.name!r} has one replica, whose statistics are all there are. "
                "Received: synchronized=True"
            )
        self.axis = axis.__index__()
        self.momentum = float(momentum)
        self.synchronized = synchronized
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = (renorm_clipping or {}) if renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self._renormalization = Renormalization(self) if renorm else None
        self.moving_mean: Any = None
        self.moving_variance: Any = None

    def build(self, input_shape: Any) -> None:
        shape = require_sizes(self.axis, input_shape, self.name)
        self._add_affine(shape, self.center, self.scale)
        self.moving_mean = self._add_statistic("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._add_statistic("moving_variance", shape, self.moving_variance_initializer)
        if self._renormalization is not None:
            self._renormalization.build(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def _add_statistic(self, name: str, shape: tuple[int, ...], initializer: Any) -> Variable:
        return self.add_weight(name=name, shape=shape, initializer=initializer, trainable=False, autocast=False)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Tensor:
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                f"The mask of the layer {self.name!r} must have one dimension less than its inputs. "
                f"Received: mask.shape={tuple(mask.shape)}, inputs.shape={tuple(inputs.shape)}"
            )
        if not (training and self._trainable):
            outputs = self._normalized(inputs, self.moving_mean, self.moving_variance, self.gamma, self.beta)
        elif mask is None and self._renormalization is None:
            outputs, mean, variance = ops.batch_normalization_train(
                inputs, self.gamma, self.beta, axis=self.axis, epsilon=self.epsilon
            )
            self._follow(mean, variance)
        else:
            outputs = self._train_by_moments(inputs, mask)
        return outputs if outputs.dtype == self._compute_dtype else ops.cast(outputs, self._compute_dtype)

    def _normalized(self, inputs: Any, mean: Any, variance: Any, gamma: Any, beta: Any) -> Tensor:
        return ops.batch_normalization(inputs, mean, variance, self.axis, beta, gamma, self.epsilon)

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the moving averages towards the moments of the batch."""
        with no_recording():
            for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
                moving.assign(moving * self.momentum + value * (1.0 - self.momentum))

    def _train_by_moments(self, inputs: Any, mask: Any) -> Tensor:
        inputs = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        over = [d for d in range(inputs.ndim) if d != self.axis % inputs.ndim]
        if mask is None:
            mean, variance = ops.moments(inputs, over)
        else:
            mean, variance = self._masked_moments(inputs, mask, over)
        if self._renormalization is None:
            self._follow(mean, variance)
            return self._normalized(inputs, mean, variance, self.gamma, self.beta)
        gamma, beta = self._renormalization.corrected(mean, variance)
        self._renormalization.follow(mean, variance)
        return self._normalized(inputs, mean, variance, gamma, beta)

    def _masked_moments(self, inputs: Tensor, mask: Any, over: list[int]) -> tuple[Tensor, Tensor]:
        seen = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), inputs.shape)
        count = ops.sum(ops.cast(seen, inputs.dtype), axis=over, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(seen, inputs, 0.0), axis=over, keepdims=True) / count
        distance = ops.square(ops.where(seen, inputs - mean, 0.0))
        variance = ops.sum(distance, axis=over, keepdims=True) / count
        return ops.reshape(mean, (-1,)), ops.reshape(variance, (-1,))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        require_axes(self.axis, input_shape, self.name)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
