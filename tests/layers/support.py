"""`check_layer`: the contract that every layer keeps, in one call."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import ops, tree
from kerasish.autodiff import GradientTape, KerasTensor, Tensor, Variable, convert_to_tensor
from kerasish.dtype_policies import DTypePolicy
from kerasish.layers import Input, Layer
from kerasish.models import Model, Sequential
from kerasish.ops.seeds import set_global_seed
from kerasish.random import SeedGenerator
from kerasish.saving import saving_api
from kerasish.saving.object_registration import CustomObjectScope

SEED = 1234


def check_layer(
    cls: type[Layer],
    kwargs: dict[str, Any] | Callable[[], dict[str, Any]],
    input_shape: Any = None,
    *,
    inputs: Any = None,
    input_dtype: str = "float32",
    call_kwargs: dict[str, Any] | None = None,
    weights: Any = None,
    expected_output: Any = None,
    expected_output_shape: Any = None,
    expected_output_dtype: str | None = None,
    expected_weights: int | None = None,
    expected_trainable_weights: int | None = None,
    expected_non_trainable_weights: int | None = None,
    expected_seed_generators: int = 0,
    expected_losses: int = 0,
    supports_masking: bool | None = None,
    training_step: bool = True,
    gradients: bool = False,
    mixed_precision: bool = True,
    whole_model: bool = True,
    dynamic_batch: bool = True,
    custom_objects: dict[str, Any] | None = None,
    tolerance: float = 1e-5,
) -> Layer:
    """Hold a layer to its contract, and return it built, after one call.

    Args:
        cls: The class.
        kwargs: The arguments to make it with; or a function that gives them, where they hold layers.
        input_shape: The shape of the input with the batch, or a list (or dict) of shapes.
        inputs: The inputs themselves, in place of random ones of `input_shape`.
        input_dtype: The dtype of random inputs; integers are drawn from 0, 1, 2.
        call_kwargs: Further arguments of the call.
        weights: Arrays to set the weights to before `expected_output` is compared.
        expected_output: What the call must give (outside training).
        expected_output_shape: Its shape (a list of them for several outputs).
        expected_output_dtype: Its dtype; that of the layer's computations by default.
        expected_weights: How many weights the layer has; and likewise the trainable and the other ones.
        expected_seed_generators: How many random streams.
        expected_losses: How many losses a call leaves behind.
        supports_masking: Whether a mask passes through; None leaves it unchecked.
        training_step: Whether a step down the gradient must change the trainable weights.
        gradients: Whether the gradients are compared with numeric ones, in float64.
        mixed_precision: Whether the layer runs under mixed_float16.
        whole_model: Whether a model with the layer survives being saved and loaded.
        dynamic_batch: Whether the layer takes an unknown batch size.
        custom_objects: Classes of the test's own that configs name.
        tolerance: How far values may be off.
    """
    if inputs is None:
        inputs = _draw(input_shape, input_dtype)
    inputs = tree.map_structure(convert_to_tensor, inputs)
    check = _Check(cls, kwargs, inputs, call_kwargs or {}, tolerance, dynamic_batch)
    with CustomObjectScope(custom_objects or {}):
        layer = check.make()
        outputs = check.call(layer)
        _check_counts(
            layer,
            weights=expected_weights,
            trainable=expected_trainable_weights,
            non_trainable=expected_non_trainable_weights,
            seed_generators=expected_seed_generators,
        )
        assert len(layer.losses) == expected_losses, f"{len(layer.losses)} losses, not {expected_losses}"
        check.config_round_trip()
        check.shapes(outputs, expected_output_shape, expected_output_dtype)
        if expected_output is not None:
            check.values(layer, weights, expected_output)
        if supports_masking is not None:
            check.masking(supports_masking)
        if training_step:
            check.training_step()
        if gradients:
            check.gradients()
        check.own_variables()
        check.repeats_with_a_seed()
        if mixed_precision:
            check.mixed_precision()
        check.in_a_model()
        if whole_model:
            check.whole_model()
    return layer


class _Check:
    def __init__(
        self,
        cls: type[Layer],
        kwargs: dict[str, Any] | Callable[[], dict[str, Any]],
        inputs: Any,
        call_kwargs: dict[str, Any],
        tolerance: float,
        dynamic_batch: bool,
    ) -> None:
        self.cls = cls
        self.kwargs = kwargs
        self.inputs = inputs
        self.call_kwargs = call_kwargs
        self.tolerance = tolerance
        self.dynamic_batch = dynamic_batch

    def make(self, **more: Any) -> Layer:
        set_global_seed(SEED)
        kwargs = self.kwargs() if callable(self.kwargs) else self.kwargs
        return self.cls(**{**kwargs, **more})

    def call(self, layer: Layer, **more: Any) -> Any:
        return layer(self.inputs, **{**self.call_kwargs, **more})

    def symbols(self, batch: bool) -> Any:
        def symbol(x: Tensor) -> KerasTensor:
            shape = (None, *x.shape[1:]) if batch and self.dynamic_batch else x.shape
            return Input(batch_shape=shape, dtype=x.dtype)

        return tree.map_structure(symbol, self.inputs)

    def config_round_trip(self) -> None:
        layer = self.make()
        config = layer.get_config()
        text = json.dumps(config)
        assert json.dumps(type(layer).from_config(json.loads(text)).get_config()) == text, (
            "the config of a layer from a config differs"
        )
        given = {"name": f"{layer.name}_x", "trainable": False, "dtype": "float64"}
        try:
            other = self.make(**given)
        except TypeError:  # the layer takes fewer arguments of the base
            return
        again = type(layer).from_config(json.loads(json.dumps(other.get_config())))
        assert (again.name, again.trainable, again.compute_dtype) == (given["name"], False, "float64")

    def shapes(self, outputs: Any, expected_shape: Any, expected_dtype: str | None) -> None:
        leaves = tree.flatten(outputs)
        if expected_shape is not None:
            wanted = expected_shape if isinstance(expected_shape, list) else [expected_shape]
            assert [tuple(leaf.shape) for leaf in leaves] == [tuple(shape) for shape in wanted]
        for leaf in leaves:
            assert leaf.dtype == (expected_dtype or self.make().compute_dtype), f"the output is {leaf.dtype}"
        for batch in (False, True):
            layer = self.make()
            symbolic = tree.flatten(layer(self.symbols(batch), **self.call_kwargs))
            assert len(symbolic) == len(leaves)
            for symbol, leaf in zip(symbolic, leaves, strict=True):
                assert symbol.dtype == leaf.dtype, f"symbolic {symbol.dtype}, eager {leaf.dtype}"
                _assert_fits(symbol.shape, leaf.shape, exact=not batch)
            shape = tree.map_structure(lambda x: tuple(x.shape), self.symbols(batch))
            if len(layer._signature.positional) > 0 and not self.call_kwargs:
                computed = layer.compute_output_shape(shape)
                flat = computed if _is_shapes(computed) else [computed]
                for given, symbol in zip(_shapes_of(flat), symbolic, strict=True):
                    _assert_fits(given, symbol.shape, exact=None not in given)

    def values(self, layer: Layer, weights: Any, expected: Any) -> None:
        if weights is not None:
            layer.set_weights(weights)
        outputs = tree.flatten(self.call(layer))
        for output, wanted in zip(outputs, expected if len(outputs) > 1 else [expected], strict=True):
            np.testing.assert_allclose(output.numpy(), np.asarray(wanted), rtol=self.tolerance, atol=self.tolerance)

    def masking(self, supported: bool) -> None:
        layer = self.make()
        assert layer.supports_masking is supported, f"supports_masking is {layer.supports_masking}"
        if not supported:
            return

        def masked(x: Tensor) -> Tensor:
            copy = convert_to_tensor(x.numpy())
            copy._keras_mask = convert_to_tensor(np.ones(x.shape[: max(1, min(2, x.ndim - 1))], bool))
            return copy

        outputs = layer(tree.map_structure(masked, self.inputs), **self.call_kwargs)
        produced = [leaf._keras_mask for leaf in tree.flatten(outputs)]
        if layer.compute_mask.__func__ is Layer.compute_mask:  # type: ignore[attr-defined]
            assert all(mask is not None for mask in produced), "the mask did not pass through"

    def training_step(self) -> None:
        layer = self.make()
        self.call(layer)
        training = {"training": True} if layer._signature.has_training else {}
        with GradientTape() as tape:
            loss = _loss_of(self.call(layer, **training))
            for added in layer.losses:
                loss = loss + ops.cast(added, loss.dtype)
        assert np.isfinite(float(loss)), f"the loss is {float(loss)}"
        variables = layer.trainable_variables
        if not variables:
            return
        before = [v.numpy() for v in variables]
        found = tape.gradient(loss, variables)
        for variable, gradient in zip(variables, found, strict=True):
            assert gradient is not None, f"{variable.path} has no gradient"
            assert gradient.shape == variable.shape
            assert np.isfinite(gradient.numpy()).all(), f"the gradient of {variable.path} is not finite"
            variable.assign_sub(0.1 * gradient)
        changed = [not np.array_equal(old, v.numpy()) for old, v in zip(before, variables, strict=True)]
        assert any(changed), "a training step changed no weight"

    def gradients(self, step: float = 1e-6) -> None:
        layer = self.make(dtype="float64")
        inputs = tree.map_structure(lambda x: ops.cast(x, "float64") if x.dtype.startswith("float") else x, self.inputs)
        rng = np.random.default_rng(0)
        layer(inputs, **self.call_kwargs)
        for variable in layer.trainable_variables:
            variable.assign(rng.normal(size=variable.shape))
        points = [x for x in tree.flatten(inputs) if x.dtype == "float64"]
        factors = [rng.normal(size=y.shape) for y in tree.flatten(layer(inputs, **self.call_kwargs))]

        def value(given: Any) -> Any:
            outputs = tree.flatten(layer(given, **self.call_kwargs))
            total = ops.sum(outputs[0] * factors[0])
            for output, factor in zip(outputs[1:], factors[1:], strict=True):
                total = total + ops.sum(output * factor)
            return total

        variables = layer.trainable_variables
        with GradientTape() as tape:
            for point in points:
                tape.watch(point)
            loss = value(inputs)
        found = tape.gradient(loss, [*points, *variables])
        for source, gradient in zip([*points, *variables], found, strict=True):
            got = np.zeros(source.shape) if gradient is None else gradient.numpy()
            np.testing.assert_allclose(got, self._numeric(source, inputs, value, step), rtol=1e-5, atol=1e-6)

    def _numeric(self, source: Tensor, inputs: Any, value: Any, step: float) -> np.ndarray[Any, Any]:
        base = source.numpy().copy()
        slopes = np.zeros_like(base)
        for index in np.ndindex(*base.shape):
            sides = []
            for sign in (1, -1):
                moved = base.copy()
                moved[index] += sign * step
                if isinstance(source, Variable):
                    source.assign(moved)
                    sides.append(float(value(inputs)))
                    source.assign(base)
                else:
                    given = tree.map_structure(
                        lambda x, moved=moved: convert_to_tensor(moved) if x is source else x, inputs
                    )
                    sides.append(float(value(given)))
            slopes[index] = (sides[0] - sides[1]) / (2 * step)
        return slopes

    def own_variables(self) -> None:
        layer, other = self.make(), self.make()
        before = self.call(layer)
        self.call(other)
        for variable in other.weights:
            if variable.dtype.startswith("float"):
                variable.assign(np.full(variable.shape, 0.3))
        for source, target in zip(layer._flatten_layers(), other._flatten_layers(), strict=True):
            store: dict[str, Any] = {}
            source.save_own_variables(store)
            target.load_own_variables({key: np.asarray(value) for key, value in store.items()})
        _assert_equal(self.call(other), before, self.tolerance)

    def repeats_with_a_seed(self) -> None:
        results = []
        for _ in range(2):
            layer = self.make()
            training = {"training": True} if layer._signature.has_training else {}
            results.append(self.call(layer, **training))
        _assert_equal(results[0], results[1], 0.0)

    def mixed_precision(self) -> None:
        layer = self.make(dtype="mixed_float16")
        outputs = tree.flatten(self.call(layer))
        floats = [x for x in tree.flatten(self.inputs) if x.dtype.startswith("float")]
        for output in outputs:
            if floats or output.dtype.startswith("float"):
                assert output.dtype == "float16", f"under mixed_float16 the output is {output.dtype}"
        for variable in layer.weights:
            if variable.dtype.startswith("float"):
                assert variable.dtype == "float32", f"under mixed_float16 {variable.path} is {variable.dtype}"
        assert layer.dtype_policy == DTypePolicy("mixed_float16")

    def model(self) -> Any:
        symbols = self.symbols(True)
        layer = self.make()
        return layer, Model(symbols, layer(symbols, **self.call_kwargs))

    def in_a_model(self) -> None:
        layer, model = self.model()
        expected = self.call(layer)
        _assert_equal(model(self.inputs), expected, self.tolerance)
        assert [w.shape for w in model.weights] == [w.shape for w in layer.weights]
        if isinstance(self.inputs, Tensor) and not self.call_kwargs and len(tree.flatten(expected)) == 1:
            sequential = Sequential([self.make()])
            _assert_equal(sequential(self.inputs), self.call(self.make()), self.tolerance)

    def whole_model(self) -> None:
        _, model = self.model()
        for variable in model.trainable_variables:
            variable.assign(variable + 0.125)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.h5"
            saving_api.save_model(model, path)
            loaded = saving_api.load_model(path)
        _assert_equal(loaded(self.inputs), model(self.inputs), self.tolerance)


def _draw(shapes: Any, dtype: str) -> Any:
    rng = np.random.default_rng(SEED)

    def array(shape: Any) -> np.ndarray[Any, Any]:
        if dtype.startswith("float"):
            return rng.normal(size=shape).astype(dtype)
        return rng.integers(0, 2 if dtype == "bool" else 3, size=shape).astype(dtype)

    if isinstance(shapes, dict):
        return {key: array(shape) for key, shape in shapes.items()}
    if _is_shapes(shapes):
        return [array(shape) for shape in shapes]
    return array(shapes)


def _is_shapes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and isinstance(value[0], (list, tuple))


def _shapes_of(value: Any) -> list[tuple[int | None, ...]]:
    return [tuple(shape) for shape in (value.values() if isinstance(value, dict) else value)]


def _assert_fits(symbolic: Any, shape: Any, exact: bool) -> None:
    assert len(symbolic) == len(shape), f"{tuple(symbolic)} does not fit {tuple(shape)}"
    for wanted, size in zip(symbolic, shape, strict=True):
        assert wanted == size or (not exact and None in (wanted, size)), f"{tuple(symbolic)} does not fit {shape}"


def _assert_equal(actual: Any, expected: Any, tolerance: float) -> None:
    for a, b in zip(tree.flatten(actual), tree.flatten(expected), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=tolerance, atol=tolerance)


def _loss_of(outputs: Any) -> Any:
    losses = [ops.mean(ops.square(ops.cast(y, "float32") - 0.5)) for y in tree.flatten(outputs)]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total


def _check_counts(
    layer: Layer, weights: int | None, trainable: int | None, non_trainable: int | None, seed_generators: int
) -> None:
    streams = {id(s) for inner in layer._flatten_layers() for s in vars(inner).values() if isinstance(s, SeedGenerator)}
    assert len(streams) == seed_generators, f"{len(streams)} random streams, not {seed_generators}"
    assert len(layer.variables) == len(layer.weights) + seed_generators
    for name, expected in (
        ("weights", weights),
        ("trainable_weights", trainable),
        ("non_trainable_weights", non_trainable),
    ):
        found = getattr(layer, name)
        if expected is not None:
            assert len(found) == expected, f"{len(found)} {name}, not {expected}: {[v.path for v in found]}"
    assert layer.count_params() == sum(v.size for v in layer.weights)
