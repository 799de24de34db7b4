"""Write `layers_c.npz`: what recurrent and attention layers and Embedding compute. Run it where Keras is installed.

Each case has the config of a layer, the arguments of a call, weights, the outputs in inference, and the gradients of
`sum(outputs * cotangents)` towards the float arguments and the trainable weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray[Any, Any]] = {}
CASES: list[dict[str, Any]] = []
L = keras.layers


def draw(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.normal(size=shape).astype(np.float32)


def case(layer: Any, *inputs: Any, options: dict[str, Any] | None = None, **arrays: Any) -> None:
    """Call a layer, and keep all that went in and came out. A list of inputs is one argument."""
    name = f"{len(CASES):03d}"
    options = options or {}
    fresh = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    layer(*inputs, **arrays, **options)
    weights = [(0.5 * draw(*v.shape)).astype(np.float32) for v in layer.weights]
    layer.set_weights(weights)
    trainable = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]

    leaves, tree = jax.tree_util.tree_flatten((inputs, arrays))
    floats = [i for i, leaf in enumerate(leaves) if leaf.dtype == np.float32]

    def outputs(trainable: Any, given: Any) -> list[Any]:
        merged = list(leaves)
        for i, value in zip(floats, given, strict=True):
            merged[i] = value
        args, kwargs = jax.tree_util.tree_unflatten(tree, merged)
        y, _ = layer.stateless_call(trainable, rest, *args, **kwargs, **options)
        return jax.tree_util.tree_leaves(y)

    given = [leaves[i] for i in floats]
    ys = outputs(trainable, given)
    cotangents = [draw(*y.shape) for y in ys]

    def loss(trainable: Any, given: Any) -> Any:
        return sum((y * c).sum() for y, c in zip(outputs(trainable, given), cotangents, strict=True))

    d_weights, d_inputs = jax.grad(loss, argnums=(0, 1))(trainable, given)

    def stored(prefix: str, values: Any) -> int:
        for i, value in enumerate(values):
            ARRAYS[f"{name}_{prefix}{i}"] = np.asarray(value)
        return len(values)

    numbers = iter(range(len(leaves)))
    positions = jax.tree_util.tree_map(lambda _: next(numbers), (inputs, arrays))
    fresh.pop("build_config", None)
    CASES.append(
        {
            "name": name,
            "layer": fresh,
            "positions": [list(positions[0]), positions[1]],
            "options": options,
            "floats": floats,
            "x": stored("x", leaves),
            "w": stored("w", weights),
            "y": stored("y", ys),
            "c": stored("c", cotangents),
            "dw": stored("dw", d_weights),
            "dx": stored("dx", d_inputs),
            "weights": [[v.path.split("/", 1)[1], list(v.shape)] for v in layer.weights],
        }
    )


X = draw(3, 5, 4)
MASK = np.array([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]], bool)
LATE = np.array([[0, 0, 1, 1, 0], [0, 1, 1, 1, 1], [0, 0, 0, 0, 0]], bool)
FULL = {"return_sequences": True, "return_state": True}
for kind in (L.SimpleRNN, L.GRU, L.LSTM):
    states = [draw(3, 3) for _ in range(2 if kind is L.LSTM else 1)]
    case(kind(3), X)
    case(kind(3, **FULL), X, initial_state=states)
    case(kind(3, go_backwards=True, **FULL), X, mask=LATE)
    case(kind(3, return_state=True, zero_output_for_mask=True), X, mask=MASK)
    case(kind(3, use_bias=False, activation="relu", **FULL), X, mask=MASK, initial_state=states)
    case(kind(3, activation="softsign", return_sequences=True, go_backwards=True), X, mask=LATE)
case(L.GRU(3, reset_after=False, **FULL), X, mask=MASK)
case(L.GRU(3, reset_after=False, activation="elu"), X)
case(L.GRU(3, recurrent_activation="hard_sigmoid", activation="linear"), X)
case(L.LSTM(3, recurrent_activation="hard_sigmoid", unit_forget_bias=False), X, mask=MASK)
case(L.RNN([L.LSTMCell(3), L.GRUCell(2)], return_sequences=True), X, mask=MASK)
case(L.RNN([L.SimpleRNNCell(3), L.LSTMCell(2)], go_backwards=True, return_sequences=True), X, mask=MASK)
case(L.RNN(L.GRUCell(3), **FULL), X)
for mode in ("concat", "sum", "mul", "ave", None):
    case(L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode=mode), X, mask=LATE)
case(L.Bidirectional(L.GRU(3, **FULL), merge_mode="sum"), X, initial_state=[draw(3, 3), draw(3, 3)])
case(L.Bidirectional(L.LSTM(3, return_state=True), merge_mode=None), X, mask=MASK)
case(L.Bidirectional(L.SimpleRNN(3), backward_layer=L.GRU(3, go_backwards=True)), X)
case(L.TimeDistributed(L.Dense(2, activation="tanh")), X, mask=MASK)
case(L.TimeDistributed(L.LSTM(2)), draw(2, 3, 4, 2))
case(L.Embedding(6, 3), np.array([[0, 5, 5], [2, 0, 1]], np.int32))

Q, V, K = draw(2, 3, 6), draw(2, 4, 6), draw(2, 4, 6)
QM, VM = np.array([[1, 1, 0], [1, 1, 1]], bool), np.array([[1, 0, 1, 1], [1, 1, 0, 0]], bool)
PAIRS = np.array(RNG.random((2, 3, 4)) > 0.4)
PAIRS[..., 0] = True
SCORES = {"return_attention_scores": True}
case(L.MultiHeadAttention(2, 4), Q, V)
case(L.MultiHeadAttention(2, 4, value_dim=3, output_shape=5), Q, V, K, options=SCORES)
case(L.MultiHeadAttention(2, 4, use_bias=False, output_shape=(2, 3)), Q, V, attention_mask=PAIRS)
case(L.MultiHeadAttention(2, 4), Q, V, attention_mask=PAIRS, options=SCORES)
case(L.MultiHeadAttention(2, 4, dropout=0.3), Q, V, value_mask=VM, options={"use_causal_mask": True})
case(L.MultiHeadAttention(2, 4), Q, V, options={"use_causal_mask": True})
case(L.MultiHeadAttention(2, 4), Q, V, value_mask=VM, options={"use_causal_mask": True, **SCORES})
case(L.MultiHeadAttention(2, 4, sliding_window=2, use_gate=True), Q, V, value_mask=VM, key_mask=VM)
case(L.MultiHeadAttention(2, 3, attention_axes=(2,)), draw(2, 3, 4, 5), draw(2, 3, 2, 5))
case(L.MultiHeadAttention(2, 3), draw(2, 2, 3, 4), draw(2, 2, 3, 4))
case(L.GroupQueryAttention(3, 4, 2), Q, V)
case(L.GroupQueryAttention(3, 4, 2, use_gate=True), Q, V, K, query_mask=QM, value_mask=VM, options=SCORES)
case(L.GroupQueryAttention(3, 4, 1, use_bias=False), Q, V, attention_mask=PAIRS, options={"use_causal_mask": True})
for options in ({}, {"use_scale": True}, {"score_mode": "concat"}, {"score_mode": "concat", "use_scale": True}):
    case(L.Attention(**options), [Q, V])
case(L.Attention(), [Q, V, K], mask=[QM, VM], options=SCORES)
case(L.Attention(), [Q, V], options={"use_causal_mask": True})
case(L.AdditiveAttention(), [Q, V], mask=[QM, VM])
case(L.AdditiveAttention(use_scale=False), [Q, V, K], options={"use_causal_mask": True, **SCORES})

ARRAYS["cases"] = np.array(json.dumps({"keras": keras.__version__, "cases": CASES}))
np.savez_compressed(Path(__file__).with_name("layers_c.npz"), **ARRAYS)
