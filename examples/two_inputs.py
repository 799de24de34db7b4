"""A Functional model with two inputs and two outputs, saved and loaded again.

python examples/two_inputs.py
"""

import tempfile
from pathlib import Path

import numpy as np

import kerasish
from kerasish import layers

kerasish.utils.set_random_seed(0)
rng = np.random.default_rng(0)
size = rng.normal(size=(600, 3)).astype("float32")
words = rng.integers(1, 50, size=(600, 6))
price = size.sum(axis=1, keepdims=True) + 0.1 * (words > 25).sum(axis=1, keepdims=True)
cheap = (price < 0).astype("float32")

numbers = layers.Input((3,), name="size")
tokens = layers.Input((6,), dtype="int32", name="words")
text = layers.GlobalAveragePooling1D()(layers.Embedding(50, 8)(tokens))
features = layers.Concatenate()([numbers, text])
features = features + layers.Dense(11, activation="relu")(features)
outputs = {
    "price": layers.Dense(1, name="price")(features),
    "cheap": layers.Dense(1, activation="sigmoid", name="cheap")(features),
}
model = kerasish.Model({"size": numbers, "words": tokens}, outputs)
model.compile(
    optimizer=kerasish.optimizers.Adam(0.01),
    loss={"price": "mse", "cheap": "binary_crossentropy"},
    loss_weights={"price": 1.0, "cheap": 0.5},
    metrics={"cheap": ["accuracy"]},
)
x, y = {"size": size, "words": words}, {"price": price, "cheap": cheap}
history = model.fit(x, y, epochs=15, batch_size=32, verbose=0)
print({name: round(values[-1], 3) for name, values in history.history.items()})

path = Path(tempfile.mkdtemp()) / "two_inputs.h5"
model.save(path)
loaded = kerasish.models.load_model(path)
same = all(np.array_equal(loaded.predict(x, verbose=0)[key], model.predict(x, verbose=0)[key]) for key in outputs)
print("same predictions from the file:", same)
