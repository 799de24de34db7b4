"""`AdditiveAttention`: attention with the scores of Bahdanau."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.attention.attention import Attention


class AdditiveAttention(Attention):
    """Bahdanau's attention: the scores are `sum(scale * tanh(query + key))` over the features.

    Args:
        use_scale: Whether there is a trained scale, with one number for each feature.
        dropout: The part of the weights of attention that is dropped in training.
        **kwargs: The arguments of `Layer`, and `seed`.

    Call arguments and results are those of `Attention`.

    Source: Bahdanau et al., 2014, arXiv:1409.0473.

    >>> AdditiveAttention()([ops.ones((2, 3, 4)), ops.ones((2, 5, 4))]).shape
    (2, 3, 4)
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform")

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        activated = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(activated if self.scale is None else activated * self.scale, axis=-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
