"""Tests of `EinsumDense`."""

import numpy as np
import pytest

from kerasish import layers
from tests.layers.support import check_layer


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "input_shape", "expected", "kernel", "bias"),
    [
        ("ab,bc->ac", 6, None, (2, 3), (2, 6), (3, 6), None),
        ("abc,cd->abd", (None, 5), "d", (2, 3, 4), (2, 3, 5), (4, 5), (5,)),
        ("...x,xy->...y", 4, "y", (2, 3, 5), (2, 3, 4), (5, 4), (4,)),
        ("abc,cde->abde", (None, 2, 3), "de", (2, 3, 4), (2, 3, 2, 3), (4, 2, 3), (2, 3)),
        ("abc,cde->abde", (None, 2, 3), "e", (2, 3, 4), (2, 3, 2, 3), (4, 2, 3), (3,)),
        ("abc,cde->abde", (None, 2, 3), "d", (2, 3, 4), (2, 3, 2, 3), (4, 2, 3), (2, 1)),
        ("ab...,bc->ac...", 5, "c", (2, 3, 4), (2, 5, 4), (3, 5), (5, 1)),
    ],
)
def test_it_keeps_the_contract_of_layers(equation, output_shape, bias_axes, input_shape, expected, kernel, bias):
    layer = check_layer(
        layers.EinsumDense,
        {"equation": equation, "output_shape": output_shape, "bias_axes": bias_axes, "activation": "tanh"},
        input_shape,
        expected_output_shape=expected,
        expected_trainable_weights=1 if bias is None else 2,
        supports_masking=False,
        gradients=True,
    )
    assert layer.kernel.shape == kernel
    assert bias is None or layer.bias.shape == bias


def test_the_scale_of_the_initial_kernel_follows_the_axes_that_are_summed():
    layer = layers.EinsumDense("abc,cde->abde", (None, 10, 50), kernel_initializer="he_normal")
    layer.build((None, 3, 200))
    assert layer.kernel.numpy().std() == pytest.approx(np.sqrt(2 / 200), rel=0.05)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "message"),
    [
        ("ab,bc,cd->ad", 4, None, "must look like"),
        ("ab...,bc->a...c", 4, None, "must look like"),
        ("abcd,de->abce", 4, None, "number of dimensions"),
        ("abc,cd->abd", 5, None, "output_shape"),
        ("abc,cd->abd", (7, 5), None, "axis 'b'.*one size in the input"),
        ("abc,cd->abe", (None, 5), None, "axis 'e' of the output"),
        ("abc,cde->abd", (None, 5), None, "axis 'e' of the kernel"),
        ("abc,cd->abd", (None, 5), "z", r"axes \['z'\] of the bias"),
    ],
)
def test_an_equation_that_does_not_fit_is_refused_by_the_name_of_the_layer(equation, output_shape, bias_axes, message):
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes, name="mix")
    with pytest.raises(ValueError, match=message) as raised:
        layer(np.ones((2, 3, 4)))
    assert "'mix'" in str(raised.value)


def test_low_rank_adaptation_leaves_the_function_as_it_was():
    layer = layers.EinsumDense("abc,cde->abde", (None, 2, 3))
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    before = layer(x).numpy()
    layer.enable_lora(1)
    np.testing.assert_allclose(layer(x).numpy(), before, rtol=1e-6)
    assert layer.lora_kernel_a.shape == (4, 2, 1)
    assert layer.lora_kernel_b.shape == (1, 3)
