"""What names in old files meant, where today's object of that name computes something else."""

from __future__ import annotations

from typing import Any

from kerasish.regularizers import Regularizer
from kerasish.saving.object_registration import register_keras_serializable
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


@register_keras_serializable("kerasish", name="hard_sigmoid_of_keras_2")
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """`clip(0.2 x + 0.5, 0, 1)`: what "hard_sigmoid" was in Keras 1 and 2; today's has the slope 1/6.

    >>> import kerasish
    >>> hard_sigmoid_of_keras_2(kerasish.ops.convert_to_tensor([-3.0, 0.0, 1.0])).numpy().round(2).tolist()
    [0.0, 0.5, 0.699999988079071]
    """
    from kerasish import ops

    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


@register_keras_serializable("kerasish", name="SumOverBatch")
class SumOverBatch(Regularizer):
    """A regularizer of a layer's outputs that is summed over the batch, as Keras did up to 2.3; today it is a mean.

    Args:
        regularizer: The regularizer of one sample.
    """

    def __init__(self, regularizer: Any) -> None:
        from kerasish import regularizers

        self.regularizer = regularizers.get(regularizer)

    def __call__(self, x: Any) -> Any:
        return self.regularizer(x) * float(x.shape[0] or 1)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make it again."""
        return {"regularizer": serialize_keras_object(self.regularizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SumOverBatch:
        """The regularizer of a config."""
        return cls(deserialize_keras_object(config["regularizer"], family="regularizers"))
