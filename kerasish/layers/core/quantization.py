"""The refusal of quantized layers, which Keras's signatures have room for."""

from __future__ import annotations

from typing import Any

from kerasish.layers.layer import Layer


def refuse_quantization(layer: Layer, quantization_config: Any) -> None:
    """Raise a ValueError unless no quantization is asked for.

    >>> refuse_quantization(Layer(name="plain"), None)
    """
    if quantization_config is not None:
        raise ValueError(
            f"Quantization is not supported, in the layer {layer.name!r}. "
            f"Received: quantization_config={quantization_config!r}"
        )
