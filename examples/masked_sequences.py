"""Sequences of different lengths: padding, a mask, a bidirectional LSTM, and callbacks.

python examples/masked_sequences.py
"""

import numpy as np

import kerasish
from kerasish import callbacks, layers

kerasish.utils.set_random_seed(0)
rng = np.random.default_rng(0)
sequences = [rng.integers(1, 20, size=rng.integers(3, 12)) for _ in range(800)]
labels = np.array([int(sequence[0] > sequence[-1]) for sequence in sequences])
x = kerasish.utils.pad_sequences(sequences, padding="post")

model = kerasish.Sequential(
    [
        layers.Input((x.shape[1],), dtype="int32"),
        layers.Embedding(20, 16, mask_zero=True),
        layers.Bidirectional(layers.LSTM(16)),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(kerasish.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
model.fit(
    x,
    labels,
    epochs=15,
    validation_split=0.2,
    verbose=0,
    callbacks=[callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True)],
)
accuracy = model.evaluate(x[640:], labels[640:], verbose=0, return_dict=True)["accuracy"]
print(f"validation accuracy {accuracy:.3f}")

embedding, lstm, head = model.layers
longer = np.pad(x[:5], ((0, 0), (0, 7)))
print(
    "more padding changes nothing:", np.allclose(head(lstm(embedding(longer))), head(lstm(embedding(x[:5]))), atol=1e-6)
)
