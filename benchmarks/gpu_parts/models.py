"""The models that are timed, in kerasish: what they are made of, their data, and one training step of each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.gpu_parts.clock import Contestant


@dataclass(frozen=True)
class Sizes:
    """How large the models are, and the samples that they take."""

    classes: int = 10
    inputs: int = 784
    hidden: tuple[int, ...] = (512, 512)
    side: int = 28
    filters: tuple[int, int] = (32, 64)
    dense: int = 128
    picture: int = 32
    stages: tuple[int, ...] = (64, 128, 256, 512)
    steps: int = 100
    features: int = 64
    units: int = 256
    vocabulary: int = 8192
    length: int = 128
    width: int = 256
    heads: int = 4
    layers: int = 4

    @property
    def flattened(self) -> int:
        """What the convolutions and poolings of "cnn" leave of a sample."""
        side = self.side
        for _ in self.filters:
            side = (side - 2) // 2
        return side * side * self.filters[-1]


TINY = Sizes(
    inputs=12, hidden=(8, 8), side=12, filters=(4, 4), dense=8, picture=8, stages=(8, 8, 8, 8), steps=3, features=4,
    units=8, vocabulary=16, length=6, width=8, heads=2, layers=1,
)  # fmt: skip
"""Enough to see whether everything runs."""


@dataclass(frozen=True)
class Setting:
    """A model, a batch size and a precision ("float32", where products may use TF32, or "bfloat16")."""

    model: str
    batch: int
    precision: str = "float32"
    sizes: Sizes = field(default=Sizes(), repr=False)

    def __str__(self) -> str:
        return f"{self.model}, batch {self.batch}, {self.precision}"


SETTINGS = (
    Setting("mlp", 32),
    Setting("mlp", 4096),
    Setting("cnn", 32),
    Setting("cnn", 1024),
    Setting("resnet", 32),
    Setting("resnet", 256, "bfloat16"),
    Setting("lstm", 32),
    Setting("lstm", 512),
    Setting("transformer", 8),
    Setting("transformer", 128, "bfloat16"),
)
QUICK = tuple([replace(setting, batch=4, sizes=TINY) for setting in SETTINGS])


def data(setting: Setting) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """One batch: inputs and classes."""
    rng = np.random.default_rng(0)
    sizes = setting.sizes
    shapes = {
        "mlp": (sizes.inputs,),
        "cnn": (sizes.side, sizes.side, 1),
        "resnet": (sizes.picture, sizes.picture, 3),
        "lstm": (sizes.steps, sizes.features),
    }
    if setting.model == "transformer":
        x = rng.integers(0, sizes.vocabulary, (setting.batch, sizes.length)).astype(np.int32)
    else:
        x = rng.normal(size=(setting.batch, *shapes[setting.model])).astype(np.float32)
    return x, rng.integers(0, sizes.classes, setting.batch).astype(np.int32)


def contestant(setting: Setting) -> Contestant:
    """The training step of the model, compiled as `fit` compiles it, on a batch that lies on the device."""
    import cupy

    import kerasish
    from kerasish import backend, config
    from kerasish.autodiff import convert_to_tensor
    from kerasish.training.replay import WARM_UP

    kerasish.utils.set_random_seed(0)
    config.enable_tf32(True)
    config.set_dtype_policy("mixed_bfloat16" if setting.precision == "bfloat16" else "float32")
    try:
        model = _MODELS[setting.model](setting.sizes)
    finally:
        config.set_dtype_policy("float32")
    model.compile(
        optimizer=kerasish.optimizers.Adam(1e-3),
        loss=kerasish.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    batch = tuple([convert_to_tensor(array) for array in data(setting)])
    train = model.make_train_function()
    made = Contestant(
        lambda: train(batch),
        cupy.cuda.Device().synchronize,
        around=backend.recorder().running,
        parameters=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        loss=lambda: float(model.get_metrics_result()["loss"]),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made.seconds(WARM_UP + 1)
    if getattr(train, "recordings", 0):
        made.note = "captured"
    else:
        made.note = "eager: " + ("; ".join(str(warning.message) for warning in caught) or "it was not recorded")
    return made


def _mlp(sizes: Sizes) -> Any:
    from kerasish import layers, models

    return models.Sequential(
        [
            layers.Input((sizes.inputs,)),
            *[layers.Dense(units, activation="relu") for units in sizes.hidden],
            layers.Dense(sizes.classes),
        ]
    )


def _cnn(sizes: Sizes) -> Any:
    from kerasish import layers, models

    return models.Sequential(
        [
            layers.Input((sizes.side, sizes.side, 1)),
            layers.Conv2D(sizes.filters[0], 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(sizes.filters[1], 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(sizes.dense, activation="relu"),
            layers.Dense(sizes.classes),
        ]
    )


def _resnet(sizes: Sizes) -> Any:
    """ResNet-18 for small images. Source: He et al., 2015, arXiv:1512.03385."""
    from kerasish import layers, models

    def unit(x: Any, filters: int, stride: int) -> Any:
        shortcut = x
        y = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same", use_bias=False)(y))
        if stride != 1 or x.shape[-1] != filters:
            shortcut = layers.Conv2D(filters, 1, strides=stride, use_bias=False)(x)
            shortcut = layers.BatchNormalization()(shortcut)
        return layers.ReLU()(layers.Add()([y, shortcut]))

    inputs = layers.Input((sizes.picture, sizes.picture, 3))
    x = layers.Conv2D(sizes.stages[0], 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for stage, filters in enumerate(sizes.stages):
        x = unit(x, filters, 1 if stage == 0 else 2)
        x = unit(x, filters, 1)
    x = layers.GlobalAveragePooling2D()(x)
    return models.Model(inputs, layers.Dense(sizes.classes, dtype="float32")(x))


def _lstm(sizes: Sizes) -> Any:
    from kerasish import layers, models

    return models.Sequential(
        [layers.Input((sizes.steps, sizes.features)), layers.LSTM(sizes.units), layers.Dense(sizes.classes)]
    )


def _transformer(sizes: Sizes) -> Any:
    """An encoder with the normalization before each part. Source: Xiong et al., 2020, arXiv:2002.04745."""
    from kerasish import layers, models

    inputs = layers.Input((sizes.length,), dtype="int32")
    x = layers.Embedding(sizes.vocabulary, sizes.width)(inputs)
    for _ in range(sizes.layers):
        y = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(sizes.heads, sizes.width // sizes.heads)(y, y)])
        y = layers.LayerNormalization()(x)
        y = layers.Dense(4 * sizes.width, activation="gelu")(y)
        x = layers.Add()([x, layers.Dense(sizes.width)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return models.Model(inputs, layers.Dense(sizes.classes, dtype="float32")(x))


_MODELS: dict[str, Callable[[Sizes], Any]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "resnet": _resnet,
    "lstm": _lstm,
    "transformer": _transformer,
}
