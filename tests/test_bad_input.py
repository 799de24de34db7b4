"""A table of bad inputs: each gets an error that names what was wrong and what came, and leaves nothing changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import kerasish
from kerasish import layers, ops

L = layers


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


# ---------------------------------------------------------------- layers: inputs of a wrong shape

# The layer, the shape of an input that fits, and shapes (with the batch) of inputs that do not.
WRONG_SHAPES: dict[str, tuple[Callable[[], Any], tuple[int, ...], list[tuple[int, ...]]]] = {
    "Dense": (lambda: L.Dense(2, name="it"), (4,), [(2, 5), (2,), ()]),
    "EinsumDense": (lambda: L.EinsumDense("ab,bc->ac", 3, name="it"), (4,), [(2, 5), (2, 4, 4)]),
    "Conv1D": (lambda: L.Conv1D(2, 3, name="it"), (8, 2), [(2, 8), (2, 8, 3), (2, 8, 2, 2)]),
    "Conv2D": (lambda: L.Conv2D(2, 3, name="it"), (8, 8, 2), [(2, 8, 8), (2, 8, 8, 3), (2, 2, 2, 2)]),
    "Conv3D": (lambda: L.Conv3D(2, 2, name="it"), (4, 4, 4, 1), [(2, 4, 4, 1), (2, 4, 4, 4, 2)]),
    "Conv1DTranspose": (lambda: L.Conv1DTranspose(2, 3, name="it"), (8, 2), [(2, 8), (2, 8, 3)]),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(2, 3, name="it"), (8, 8, 2), [(2, 8, 8), (2, 8, 8, 3)]),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(3, name="it"), (8, 8, 2), [(2, 8, 8), (2, 8, 8, 3)]),
    "SeparableConv2D": (lambda: L.SeparableConv2D(2, 3, name="it"), (8, 8, 2), [(2, 8, 8), (2, 8, 8, 3)]),
    "MaxPooling1D": (lambda: L.MaxPooling1D(2, name="it"), (8, 2), [(2, 8), (2, 8, 2, 2)]),
    "MaxPooling2D": (lambda: L.MaxPooling2D(2, name="it"), (8, 8, 2), [(2, 8, 8)]),
    "AveragePooling2D": (lambda: L.AveragePooling2D(2, name="it"), (8, 8, 2), [(2, 8, 8)]),
    "GlobalAveragePooling1D": (lambda: L.GlobalAveragePooling1D(name="it"), (8, 2), [(2, 8)]),
    "GlobalMaxPooling2D": (lambda: L.GlobalMaxPooling2D(name="it"), (8, 8, 2), [(2, 8, 8)]),
    "SimpleRNN": (lambda: L.SimpleRNN(2, name="it"), (5, 3), [(2, 5), (2, 5, 4), (2, 5, 3, 1)]),
    "LSTM": (lambda: L.LSTM(2, name="it"), (5, 3), [(2, 5), (2, 5, 4)]),
    "GRU": (lambda: L.GRU(2, name="it"), (5, 3), [(2, 5), (2, 5, 4)]),
    "Bidirectional": (lambda: L.Bidirectional(L.LSTM(2), name="it"), (5, 3), [(2, 5), (2, 5, 4)]),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Dense(2), name="it"), (5, 3), [(2, 3), (2, 5, 4)]),
    "BatchNormalization": (lambda: L.BatchNormalization(name="it"), (4,), [(2, 5), (2, 3, 4)]),
    "LayerNormalization": (lambda: L.LayerNormalization(name="it"), (4,), [(2, 5)]),
    "GroupNormalization": (lambda: L.GroupNormalization(2, name="it"), (4,), [(2, 6)]),
    "RMSNormalization": (lambda: L.RMSNormalization(name="it"), (4,), [(2, 5)]),
    "PReLU": (lambda: L.PReLU(name="it"), (4,), [(2, 5), (2, 4, 4)]),
    "RepeatVector": (lambda: L.RepeatVector(2, name="it"), (4,), [(2, 4, 4), (2,)]),
    "Reshape": (lambda: L.Reshape((2, 2), name="it"), (4,), [(2, 5), (2, 3)]),
    "Permute": (lambda: L.Permute((2, 1), name="it"), (3, 4), [(2, 3), (2, 3, 4, 5)]),
    "UpSampling2D": (lambda: L.UpSampling2D(name="it"), (4, 4, 1), [(2, 4, 4)]),
    "UpSampling1D": (lambda: L.UpSampling1D(name="it"), (4, 1), [(2, 4)]),
    "ZeroPadding2D": (lambda: L.ZeroPadding2D(name="it"), (4, 4, 1), [(2, 4, 4)]),
    "ZeroPadding1D": (lambda: L.ZeroPadding1D(name="it"), (4, 1), [(2, 4)]),
    "Cropping2D": (lambda: L.Cropping2D(2, name="it"), (6, 6, 1), [(2, 6, 6), (2, 4, 4, 1)]),
    "Cropping1D": (lambda: L.Cropping1D(2, name="it"), (6, 1), [(2, 6), (2, 3, 1)]),
    "SpatialDropout1D": (lambda: L.SpatialDropout1D(0.5, name="it"), (4, 2), [(2, 4)]),
}


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, (_, _, wrong) in WRONG_SHAPES.items() for shape in wrong]
)
def test_layer_refuses_an_input_of_a_wrong_shape(name: str, shape: tuple[int, ...]) -> None:
    make, good, _ = WRONG_SHAPES[name]
    layer = make()
    layer(zeros(2, *good))
    before = layer.get_weights()
    with pytest.raises(ValueError, match=r"\w") as failure:
        layer(zeros(*shape))
    assert "'it'" in said(failure.value)
    assert "Received" in said(failure.value)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert layer(zeros(2, *good)) is not None


MERGES = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


@pytest.mark.parametrize("name", MERGES)
def test_merging_layer_refuses_tensors_that_do_not_merge(name: str) -> None:
    with pytest.raises(ValueError, match="Received") as failure:
        getattr(L, name)(name="it")([zeros(2, 3, 4), zeros(2, 5, 6)])
    assert "'it'" in str(failure.value)


def test_subtract_refuses_one_tensor_alone() -> None:
    with pytest.raises(ValueError, match=r"'it'.*Received"):
        L.Subtract(name="it")([zeros(2, 3)])


@pytest.mark.parametrize("name", MERGES)
def test_merging_layer_refuses_what_is_no_list(name: str) -> None:
    with pytest.raises(ValueError, match="Received") as failure:
        getattr(L, name)(name="it")(zeros(2, 3))
    assert "'it'" in str(failure.value)


# ---------------------------------------------------------------- the table


class Case:
    """A call that must fail: what it is given, the error, and the words that its message must have."""

    def __init__(self, call: Callable[..., Any], *words: str, error: Any = ValueError) -> None:
        self.call, self.words, self.error = call, words, error


def said(error: BaseException) -> str:
    """The message of an error, with the notes that a traceback shows below it."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def check(case: Case, *args: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(case.error) as failure:
            case.call(*args)
    message = said(failure.value)
    for word in (*case.words, "Received"):
        assert word in message, message


class Forgetful(L.Layer):
    def __init__(self) -> None:
        self.dense = L.Dense(2)


class Early(L.Layer):
    def __init__(self) -> None:
        self.w = self.add_weight(shape=(2,))
        super().__init__()


ARGUMENTS: dict[str, Case] = {
    "dense units negative": Case(lambda: L.Dense(-1), "units", "-1"),
    "dense units zero": Case(lambda: L.Dense(0), "units"),
    "dense units text": Case(lambda: L.Dense("ten"), "units", "ten"),
    "dense units fraction": Case(lambda: L.Dense(2.5), "units"),
    "dense unknown argument": Case(lambda: L.Dense(2, unit=3), "Dense", "unit"),
    "conv filters": Case(lambda: L.Conv2D(0, 3), "filters"),
    "conv kernel size": Case(lambda: L.Conv2D(2, 0), "kernel_size"),
    "conv kernel size length": Case(lambda: L.Conv2D(2, (3, 3, 3)), "kernel_size"),
    "conv strides": Case(lambda: L.Conv2D(2, 3, strides=0), "strides"),
    "conv strides and dilation": Case(lambda: L.Conv2D(2, 3, strides=2, dilation_rate=2), "dilation_rate"),
    "conv padding": Case(lambda: L.Conv2D(2, 3, padding="some"), "padding", "some"),
    "conv2d causal": Case(lambda: L.Conv2D(2, 3, padding="causal"), "padding"),
    "conv groups": Case(lambda: L.Conv2D(3, 3, groups=2), "groups"),
    "conv data format": Case(lambda: L.Conv2D(2, 3, data_format="middle"), "data_format", "middle"),
    "pool size": Case(lambda: L.MaxPooling2D(0), "pool_size"),
    "dropout above one": Case(lambda: L.Dropout(1.5), "rate", "1.5"),
    "dropout negative": Case(lambda: L.Dropout(-0.1), "rate"),
    "dropout text": Case(lambda: L.Dropout("half"), "rate"),
    "embedding negative": Case(lambda: L.Embedding(-3, 2), "input_dim"),
    "embedding output": Case(lambda: L.Embedding(3, 0), "output_dim"),
    "lstm units": Case(lambda: L.LSTM(0), "units"),
    "gru units": Case(lambda: L.GRU(-2), "units"),
    "rnn of no cell": Case(lambda: L.RNN(object()), "cell"),
    "time distributed": Case(lambda: L.TimeDistributed(3), "layer"),
    "bidirectional": Case(lambda: L.Bidirectional(L.Dense(2)), "Dense"),
    "bidirectional mode": Case(lambda: L.Bidirectional(L.LSTM(2), merge_mode="both"), "merge_mode", "both"),
    "heads": Case(lambda: L.MultiHeadAttention(0, 2), "num_heads"),
    "batch normalization momentum": Case(lambda: L.BatchNormalization(axis="last"), "axis"),
    "group normalization groups": Case(lambda: L.GroupNormalization(3)(zeros(2, 4)), "groups"),
    "up sampling": Case(lambda: L.UpSampling2D(2, interpolation="sharp"), "interpolation", "sharp"),
    "zero padding": Case(lambda: L.ZeroPadding2D(-1), "padding"),
    "cropping": Case(lambda: L.Cropping2D("all"), "cropping"),
    "repeat": Case(lambda: L.RepeatVector("two"), "n", error=(ValueError, TypeError)),
    "permute": Case(lambda: L.Permute((0, 1)), "dims"),
    "activation": Case(lambda: L.Dense(2, activation="relux"), "relux"),
    "activation number": Case(lambda: L.Dense(2, activation=3), "3"),
    "initializer": Case(lambda: L.Dense(2, kernel_initializer="warm"), "warm"),
    "regularizer": Case(lambda: L.Dense(2, kernel_regularizer="l3"), "l3"),
    "constraint": Case(lambda: L.Dense(2, kernel_constraint="tight"), "tight"),
    "dtype": Case(lambda: L.Dense(2, dtype="float12"), "float12"),
    "loss name": Case(lambda: kerasish.losses.get("mistake"), "mistake"),
    "metric name": Case(lambda: kerasish.metrics.get("mistake"), "mistake"),
    "optimizer name": Case(lambda: kerasish.optimizers.get("adamm"), "adamm"),
    "optimizer kind": Case(lambda: kerasish.optimizers.get(3), "3"),
    "learning rate text": Case(lambda: kerasish.optimizers.Adam("fast"), "learning_rate", "fast"),
    "clip both": Case(lambda: kerasish.optimizers.SGD(clipnorm=1.0, clipvalue=1.0), "clip"),
    "momentum": Case(lambda: kerasish.optimizers.SGD(momentum=1.5), "momentum"),
    "l2 text": Case(lambda: kerasish.regularizers.L2("much"), "much"),
    "input without shape": Case(lambda: L.Input(), "shape"),
    "input shape": Case(lambda: L.Input((-1, 2)), "shape"),
    "input shape text": Case(lambda: L.Input("wide"), "shape", "wide"),
    "input dtype": Case(lambda: L.Input((2,), dtype="float12"), "float12"),
    "no super": Case(lambda: Forgetful()(zeros(2, 3)), "Forgetful", "super().__init__()", error=RuntimeError),
    "weight before super": Case(Early, "Early", "super().__init__()", error=RuntimeError),
    "layer called on text": Case(lambda: L.Dense(2, name="it")("words"), "it", "words"),
    "layer called on number": Case(lambda: L.Dense(2, name="it")(3.0), "it", "3.0"),
    "layer called on objects": Case(
        lambda: L.Dense(2, name="it")(np.array([["a", None]], object)), "object", error=(ValueError, TypeError)
    ),
    "layer called on strings": Case(
        lambda: L.Dense(2, name="it")(np.array([["a", "b"]])), error=(ValueError, TypeError)
    ),
    "unknown last dimension": Case(lambda: L.Dense(2, name="it")(L.Input((None,))), "it"),
    "attention alone": Case(lambda: L.Attention(name="it")(zeros(2, 3, 4)), "it"),
    "dot axes": Case(lambda: L.Dot(axes=1, name="it")([zeros(2, 3), zeros(2, 4)]), "'it'", "shape"),
    "set_weights count": Case(lambda: _dense().set_weights([zeros(3, 2)]), "it"),
    "set_weights shape": Case(lambda: _dense().set_weights([zeros(2, 3), zeros(2)]), "it"),
    "set_weights text": Case(lambda: _dense().set_weights([np.full((3, 2), "a"), zeros(2)]), "'it'"),
    "count before build": Case(lambda: L.Dense(2, name="it").count_params(), "it"),
    "pad_sequences": Case(lambda: kerasish.utils.pad_sequences([1, 2]), "sequences"),
    "pad_sequences padding": Case(lambda: kerasish.utils.pad_sequences([[1]], padding="mid"), "padding", "mid"),
    "to_categorical": Case(lambda: kerasish.utils.to_categorical([5], num_classes=3), "num_classes"),
}


def _dense() -> Any:
    layer = L.Dense(2, name="it")
    layer.build((None, 3))
    return layer


@pytest.mark.parametrize("name", list(ARGUMENTS))
def test_argument_is_refused(name: str) -> None:
    check(ARGUMENTS[name])


# ---------------------------------------------------------------- graphs


def _symbol() -> Any:
    return L.Input((3,), name="entry")


def _other_input() -> Any:
    a, b = L.Input((3,), name="a"), L.Input((3,), name="b")
    return kerasish.Model(a, L.Dense(2)(b))


def _same_names() -> Any:
    a = L.Input((3,))
    return kerasish.Model(a, L.Dense(2, name="twin")(L.Dense(2, name="twin")(a)))


def _cycle() -> Any:
    a = L.Input((3,))
    h = L.Dense(3, name="loop")(a)
    y = L.Dense(3, name="after")(h)
    # A call that takes its own result: nothing public makes one.
    node = h._keras_history.operation._inbound_nodes[0]
    node.args, node.input_tensors = (y,), [y]
    return kerasish.Model(a, y)


def _contained_in_itself() -> Any:
    model = kerasish.Sequential([L.Input((3,), name="entry"), L.Dense(3)], name="snake")
    model.add(model)
    return model


GRAPHS: dict[str, Case] = {
    "truth": Case(lambda: bool(_symbol()), "KerasTensor", error=TypeError),
    "float": Case(lambda: float(_symbol()), "KerasTensor", error=TypeError),
    "int": Case(lambda: int(_symbol()), "KerasTensor", error=TypeError),
    "numpy": Case(lambda: np.asarray(_symbol()), "KerasTensor", error=TypeError),
    "iteration": Case(lambda: list(_symbol()), "KerasTensor", error=TypeError),
    "comparison": Case(lambda: 1 if _symbol() > 0 else 2, "KerasTensor", error=TypeError),
    "inputs of data": Case(lambda: kerasish.Model(zeros(2, 3), L.Dense(2)(_symbol())), "inputs"),
    "outputs of data": Case(lambda: kerasish.Model(_symbol(), zeros(2, 3)), "outputs"),
    "no inputs": Case(lambda: kerasish.Model([], L.Dense(2)(_symbol())), "input"),
    "no outputs": Case(lambda: kerasish.Model(_symbol(), []), "output"),
    "input missing": Case(_other_input, "'b'"),
    "input twice": Case(lambda: (lambda a: kerasish.Model([a, a], L.Dense(2)(a)))(_symbol()), "inputs"),
    "inputs alone": Case(lambda: kerasish.Model(_symbol()), "Model"),
    "names twice": Case(_same_names, "twin"),
    "cycle": Case(_cycle, "cycle", "after"),
    "sequential in itself": Case(_contained_in_itself, "snake"),
    "sequential of a function": Case(lambda: kerasish.Sequential([len]), "len"),
    "sequential class": Case(lambda: kerasish.Sequential([L.Dense]), "Dense"),
    "sequential twice": Case(lambda: kerasish.Sequential([L.Dense(2, name="a"), L.Dense(2, name="a")]), "'a'"),
    "sequential late input": Case(lambda: kerasish.Sequential([L.Dense(2), L.Input((2,))]), "input"),
    "sequential pop": Case(lambda: kerasish.Sequential().pop(), "layers"),
    "sequential misfit": Case(lambda: kerasish.Sequential([L.Input((3,)), L.LSTM(2, name="deep")]), "deep"),
    "operator": Case(lambda: _symbol() + L.Input((4,)), "(None, 3)", "(None, 4)"),
    "matmul": Case(lambda: ops.matmul(_symbol(), zeros(4, 2)), "(4, 2)"),
    "index": Case(lambda: _symbol()[:, 7], "7", error=(IndexError, ValueError)),
    "too many indices": Case(lambda: _symbol()[:, 0, 0], error=(IndexError, ValueError)),
    "get_layer name": Case(lambda: _model().get_layer("body"), "body", "head"),
    "get_layer index": Case(lambda: _model().get_layer(index=9), "9"),
    "get_layer nothing": Case(lambda: _model().get_layer(), "name"),
    "build without shape": Case(lambda: kerasish.Sequential([L.Dense(2)], name="net").build(), "net"),
    "summary before build": Case(lambda: kerasish.Sequential([L.Dense(2, name="it")]).count_params(), "build"),
}


@pytest.mark.parametrize("name", list(GRAPHS))
def test_graph_is_refused(name: str) -> None:
    check(GRAPHS[name])


# ---------------------------------------------------------------- training


def _model(compiled: bool = True) -> Any:
    inputs = L.Input((3,), name="entry")
    model = kerasish.Model(inputs, L.Dense(1, name="head")(inputs), name="net")
    if compiled:
        model.compile(kerasish.optimizers.Adam(0.1), "mse", metrics=["mae"])
    return model


def _pair() -> Any:
    a, b = L.Input((3,), name="a"), L.Input((2,), name="b")
    model = kerasish.Model([a, b], [L.Dense(1, name="p")(a), L.Dense(2, name="q")(b)], name="pair")
    model.compile("adam", ["mse", "mse"])
    return model


X, Y = zeros(4, 3), zeros(4, 1)
PX, PY = [zeros(4, 3), zeros(4, 2)], [zeros(4, 1), zeros(4, 2)]
NAN = np.array([[0.0], [np.nan], [0.0], [0.0]], np.float32)
TEXT = np.array([["a"], ["b"], ["c"], ["d"]])

UNCOMPILED: dict[str, Case] = {
    "fit": Case(lambda m: m.fit(X, Y, verbose=0), "net", "fit", "compile"),
    "evaluate": Case(lambda m: m.evaluate(X, Y, verbose=0), "net", "evaluate", "compile"),
    "train_on_batch": Case(lambda m: m.train_on_batch(X, Y), "net", "train_on_batch", "compile"),
    "test_on_batch": Case(lambda m: m.test_on_batch(X, Y), "net", "test_on_batch", "compile"),
}

ONE: dict[str, Case] = {
    "width": Case(lambda m: m.fit(zeros(4, 5), Y, verbose=0), "entry", "(None, 3)"),
    "width in predict": Case(lambda m: m.predict(zeros(4, 5), verbose=0), "entry"),
    "width in call": Case(lambda m: m(zeros(4, 5)), "entry", "net"),
    "width in train_on_batch": Case(lambda m: m.train_on_batch(zeros(4, 5), Y), "entry"),
    "two inputs": Case(lambda m: m([X, X]), "net", "1"),
    "two inputs in fit": Case(lambda m: m.fit([X, X], Y, verbose=0), "net"),
    "no input": Case(lambda m: m([]), "net"),
    "text": Case(lambda m: m.fit(np.full((4, 3), "a"), Y, verbose=0), "x"),
    "objects": Case(lambda m: m.fit(np.full((4, 3), None), Y, verbose=0), "x"),
    "ragged": Case(lambda m: m.fit([[1, 2, 3], [1]], Y, verbose=0), "x"),
    "text targets": Case(lambda m: m.fit(X, TEXT, verbose=0), "y"),
    "nan targets": Case(lambda m: m.fit(X, NAN, verbose=0), "y", "NaN"),
    "fewer targets": Case(lambda m: m.fit(X, zeros(3, 1), verbose=0), "4", "3"),
    "fewer weights": Case(lambda m: m.fit(X, Y, sample_weight=zeros(3), verbose=0), "sample_weight"),
    "weights of a wrong shape": Case(lambda m: m.fit(X, Y, sample_weight=zeros(4, 7), verbose=0), "sample_weight"),
    "two targets": Case(lambda m: m.fit(X, [Y, Y], verbose=0), "y"),
    "no targets": Case(lambda m: m.fit(X, verbose=0), "y=None"),
    "no data": Case(lambda m: m.fit(verbose=0), "x"),
    "empty": Case(lambda m: m.fit(zeros(0, 3), zeros(0, 1), verbose=0), "sample"),
    "empty predict": Case(lambda m: m.predict(zeros(0, 3), verbose=0), "sample"),
    "empty evaluate": Case(lambda m: m.evaluate(zeros(0, 3), zeros(0, 1), verbose=0), "sample"),
    "empty generator": Case(lambda m: m.fit(iter(()), verbose=0), "sample"),
    "batch size zero": Case(lambda m: m.fit(X, Y, batch_size=0, verbose=0), "batch_size"),
    "batch size negative": Case(lambda m: m.fit(X, Y, batch_size=-2, verbose=0), "batch_size", "-2"),
    "batch size fraction": Case(lambda m: m.fit(X, Y, batch_size=1.5, verbose=0), "batch_size"),
    "epochs negative": Case(lambda m: m.fit(X, Y, epochs=-1, verbose=0), "epochs", "-1"),
    "epochs fraction": Case(lambda m: m.fit(X, Y, epochs=1.5, verbose=0), "epochs"),
    "steps negative": Case(lambda m: m.fit(X, Y, steps_per_epoch=-3, verbose=0), "steps_per_epoch"),
    "verbose": Case(lambda m: m.fit(X, Y, verbose=7), "verbose"),
    "split of all": Case(lambda m: m.fit(X, Y, validation_split=1.0, verbose=0), "validation_split"),
    "split negative": Case(lambda m: m.fit(X, Y, validation_split=-0.5, verbose=0), "validation_split"),
    "split too small": Case(lambda m: m.fit(X, Y, validation_split=0.99, verbose=0), "validation_split"),
    "frequency": Case(lambda m: m.fit(X, Y, validation_freq=0, verbose=0), "validation_freq"),
    "validation data": Case(lambda m: m.fit(X, Y, validation_data=3, verbose=0), "3"),
    "class weight": Case(lambda m: m.fit(X, Y, class_weight=[1, 2], verbose=0), "class_weight"),
    "class weight text": Case(lambda m: m.fit(X, Y, class_weight={0: "a"}, verbose=0), "class_weight"),
    "both weights": Case(
        lambda m: m.fit(X, Y, class_weight={0: 1.0}, sample_weight=zeros(4), verbose=0), "class_weight"
    ),
    "callback": Case(lambda m: m.fit(X, Y, callbacks=[3], verbose=0), "callbacks", error=(ValueError, TypeError)),
    "unknown argument": Case(lambda m: m.evaluate(X, Y, verbose=0, batches=3), "batches"),
    "generator with y": Case(lambda m: m.fit(iter([(X, Y)]), Y, verbose=0), "y"),
    "generator of text": Case(lambda m: m.fit(iter([("a", "b")]), verbose=0), error=(ValueError, TypeError)),
    "compile optimizer": Case(lambda m: m.compile("adamm", "mse"), "adamm"),
    "compile loss": Case(lambda m: m.compile("adam", "mistake"), "mistake"),
    "compile metric": Case(lambda m: m.compile("adam", "mse", metrics=["mistake"]), "mistake"),
    "compile metrics text": Case(lambda m: m.compile("adam", "mse", metrics="mae"), "metrics"),
    "compile losses": Case(lambda m: m.compile("adam", ["mse", "mae"]), "loss"),
    "compile loss key": Case(lambda m: m.compile("adam", {"tail": "mse"}), "tail"),
    "compile loss kind": Case(lambda m: m.compile("adam", 3), "3"),
    "compile weights alone": Case(lambda m: m.compile("adam", loss_weights=[1.0]), "loss_weights"),
    "compile steps": Case(lambda m: m.compile("adam", "mse", steps_per_execution=0), "steps_per_execution"),
    "set_weights": Case(lambda m: m.set_weights([zeros(3, 1), zeros(2)]), "net", "shape"),
    "set_weights second": Case(lambda m: m.set_weights([np.ones((3, 1)), np.array(["text"])]), "net", "bias"),
    "set_weights objects": Case(lambda m: m.set_weights([np.ones((3, 1)), np.array([None])]), "net", "bias"),
    "load_weights missing": Case(lambda m: m.load_weights("nowhere.h5"), "nowhere.h5", error=FileNotFoundError),
    "save name": Case(lambda m: m.save("model.bin"), "model.bin"),
    "output list in predict": Case(lambda m: m.predict(3, verbose=0), "x"),
}

TWO: dict[str, Case] = {
    "one input": Case(lambda m: m.fit(PX[0], PY, verbose=0), "pair", "2"),
    "three inputs": Case(lambda m: m([*PX, X]), "pair"),
    "inputs swapped": Case(lambda m: m.fit(PX[::-1], PY, verbose=0), "'a'"),
    "key missing": Case(lambda m: m.fit({"a": PX[0]}, PY, verbose=0), "b"),
    "one target": Case(lambda m: m.fit(PX, PY[0], verbose=0), "y"),
    "three targets": Case(lambda m: m.fit(PX, [*PY, Y], verbose=0), "y"),
    "three weights": Case(lambda m: m.fit(PX, PY, sample_weight=[zeros(4)] * 3, verbose=0), "sample_weight"),
    "lengths": Case(lambda m: m.fit([zeros(4, 3), zeros(5, 2)], PY, verbose=0), "4", "5"),
    "class weights": Case(lambda m: m.fit(PX, PY, class_weight={0: 1.0}, verbose=0), "class_weight"),
    "three losses": Case(lambda m: m.compile("adam", ["mse"] * 3), "loss", "2"),
    "one loss in a list": Case(lambda m: m.compile("adam", ["mse"]), "loss", "2"),
    "three loss weights": Case(lambda m: m.compile("adam", ["mse"] * 2, loss_weights=[1.0] * 3), "loss_weights"),
    "loss weight text": Case(lambda m: m.compile("adam", ["mse"] * 2, loss_weights=["a", 1.0]), "loss_weights"),
    "metrics": Case(lambda m: m.compile("adam", "mse", metrics=[["mae"]] * 3), "metrics"),
    "metrics key": Case(lambda m: m.compile("adam", "mse", metrics={"r": "mae"}), "metrics", "r"),
    "weights key": Case(lambda m: m.compile("adam", "mse", loss_weights={"r": 1.0}), "loss_weights", "r"),
}


def _state(model: Any) -> tuple[Any, ...]:
    optimizer = model.optimizer
    held = [] if optimizer is None else [v.numpy().copy() for v in optimizer.variables]
    return model.get_weights(), held, optimizer, model.loss, model.compiled


def _assert_unchanged(before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
    for a, b in zip(before[0], after[0], strict=True):
        np.testing.assert_array_equal(a, b)
    # Slots may have been made; those that were there, and the count of steps, are as they were.
    for a, b in zip(before[1], after[1], strict=False):
        np.testing.assert_array_equal(a, b)
    assert before[2] is after[2]
    assert before[3:] == after[3:]


CASES = [(table, name) for table in ("UNCOMPILED", "ONE", "TWO") for name in globals()[table]]


@pytest.mark.parametrize(("table", "name"), CASES)
def test_training_is_refused_and_changes_nothing(table: str, name: str) -> None:
    model = {"UNCOMPILED": lambda: _model(False), "ONE": _model, "TWO": _pair}[table]()
    x, y = (PX, PY) if table == "TWO" else (X, Y)
    if table != "UNCOMPILED":
        # One step, so that the optimizer has a state that could be spoilt.
        model.fit(x, y, verbose=0)
    before = _state(model)
    check(globals()[table][name], model)
    _assert_unchanged(before, _state(model))
    if table != "UNCOMPILED":
        assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
        assert kerasish.autodiff.state.call_depth == 0


def test_first_batch_of_a_wrong_shape_leaves_a_model_that_can_still_be_built() -> None:
    model = kerasish.Sequential([L.Conv1D(2, 3), L.Flatten(), L.Dense(1)])
    model.compile("adam", "mse")
    for _ in range(2):
        with pytest.raises(ValueError, match="Received"):
            model.fit(zeros(4, 3), Y, verbose=0)
    model.fit(zeros(4, 5, 2), Y, verbose=0)
    assert [w.shape for w in model.get_weights()] == [(3, 2, 2), (2,), (6, 1), (1,)]


# ---------------------------------------------------------------- files


class Unknown(L.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs * 2


def _saved(folder: Path) -> Path:
    path = folder / "model.h5"
    _model().save(path)
    return path


def _cut(folder: Path) -> Path:
    path = _saved(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _scribbled(folder: Path) -> Path:
    path = _saved(folder)
    content = bytearray(path.read_bytes())
    content[8:96] = bytes(88)
    path.write_bytes(content)
    return path


def _text(folder: Path) -> Path:
    path = folder / "model.h5"
    path.write_text("not a model")
    return path


def _empty(folder: Path) -> Path:
    path = folder / "model.h5"
    path.touch()
    return path


def _bare(folder: Path) -> Path:
    path = folder / "model.h5"
    h5py.File(path, "w").close()
    return path


def _changed(change: Callable[[Any], None]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = _saved(folder)
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return make


def _without_weights(file: Any) -> None:
    del file["model_weights"]


def _without_kernel(file: Any) -> None:
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    del file[next(name for name in names if "kernel" in name and name.startswith("model_weights"))]


def _other_config(file: Any) -> None:
    file.attrs["model_config"] = "{ this is no JSON"


def _unknown_layer(folder: Path) -> Path:
    path = folder / "model.h5"
    kerasish.Sequential([L.Input((3,)), Unknown()]).save(path)
    return path


def _folder(folder: Path) -> Path:
    path = folder / "model.h5"
    path.mkdir()
    return path


FILES: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "missing": (lambda folder: folder / "model.h5", ()),
    "folder": (_folder, ("folder",)),
    "cut": (_cut, ()),
    "scribbled": (_scribbled, ()),
    "text": (_text, ()),
    "empty": (_empty, ()),
    "bare": (_bare, ()),
    "without weights": (_changed(_without_weights), ()),
    "without kernel": (_changed(_without_kernel), ("kernel",)),
    "config": (_changed(_other_config), ()),
    "unknown layer": (_unknown_layer, ("Unknown", "custom_objects")),
}


@pytest.mark.parametrize("name", list(FILES))
def test_file_is_refused_by_name(name: str, tmp_path: Path) -> None:
    make, words = FILES[name]
    path = make(tmp_path)
    with pytest.raises((ValueError, OSError)) as failure:
        kerasish.models.load_model(path)
    for word in ("model.h5", *words):
        assert word in str(failure.value)


@pytest.mark.parametrize("name", [name for name in FILES if name not in ("unknown layer", "config")])
def test_weights_of_a_bad_file_change_nothing(name: str, tmp_path: Path) -> None:
    path = FILES[name][0](tmp_path)
    model = _model()
    model.fit(X, Y, verbose=0)
    before = _state(model)
    with pytest.raises((ValueError, OSError)) as failure:
        model.load_weights(path)
    assert "model.h5" in str(failure.value)
    _assert_unchanged(before, _state(model))


def test_weights_of_another_shape_change_nothing(tmp_path: Path) -> None:
    inputs = L.Input((4,), name="entry")
    hidden = kerasish.Model(inputs, L.Dense(1, name="head")(inputs))
    hidden.save(tmp_path / "model.h5")
    model = _model()
    before = _state(model)
    with pytest.raises(ValueError, match="Received") as failure:
        model.load_weights(tmp_path / "model.h5")
    for word in ("model.h5", "(3, 1)", "(4, 1)"):
        assert word in str(failure.value)
    _assert_unchanged(before, _state(model))


def test_save_that_fails_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = _saved(tmp_path)
    content = path.read_bytes()
    inputs = L.Input((3,))

    class Mute(L.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs

        def get_config(self) -> Any:
            raise NotImplementedError("no config. Received: nothing")

    model = kerasish.Model(inputs, Mute()(inputs))
    with pytest.raises(NotImplementedError):
        model.save(path)
    assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["model.h5"]
    with pytest.raises(FileExistsError, match="Received"):
        _model().save(path, overwrite=False)
