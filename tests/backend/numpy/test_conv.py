import numpy as np
import pytest

from kerasish.backend.numpy import _patches, conv

# (x shape, kernel shape, strides, padding, dilation, groups)
CASES = {
    "1-d": ((5, 9, 3), (3, 3, 4), (1,), ((4, 0),), (2,), 1),
    "2-d": ((3, 7, 6, 4), (3, 3, 4, 5), (1, 1), ((1, 1), (1, 0)), (1, 1), 1),
    "one channel": ((3, 7, 7, 1), (3, 3, 1, 3), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "strided": ((3, 8, 7, 2), (3, 2, 2, 5), (2, 3), ((0, 1), (1, 0)), (1, 1), 1),
    "dilated": ((2, 9, 8, 2), (3, 2, 2, 3), (1, 1), ((2, 2), (0, 1)), (2, 3), 1),
    "grouped": ((2, 6, 5, 6), (3, 3, 2, 9), (1, 1), ((1, 1), (0, 0)), (1, 1), 3),
    "pointwise": ((4, 5, 6, 5), (1, 1, 5, 4), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "3-d": ((2, 4, 5, 4, 2), (2, 3, 2, 2, 3), (1, 2, 1), ((0, 1), (1, 1), (0, 0)), (1, 1, 2), 1),
}


def results(case):
    shape, kernel_shape, strides, padding, dilation, groups = case
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=shape), rng.normal(size=kernel_shape)
    named = {"strides": strides, "padding": padding, "dilation": dilation}
    y = conv.conv(x, kernel, None, activation="linear", groups=groups, **named)
    dy = rng.normal(size=y.shape)
    per_channel = rng.normal(size=(*kernel_shape[:-2], shape[-1], 2))
    z = conv.depthwise_conv(x, per_channel, **named)
    dz = rng.normal(size=z.shape)
    return (
        y,
        conv.conv_backward_input(dy, kernel, input_shape=shape, groups=groups, **named),
        conv.conv_backward_kernel(x, dy, kernel_shape=kernel_shape, groups=groups, **named),
        z,
        conv.depthwise_conv_backward_input(dz, per_channel, input_shape=shape, **named),
        conv.depthwise_conv_backward_kernel(x, dz, kernel_shape=per_channel.shape, **named),
    )


@pytest.mark.parametrize("block_bytes", [1, 600])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_convolution_cut_into_blocks_gives_the_same(case, block_bytes, monkeypatch):
    whole = results(case)
    monkeypatch.setattr(_patches, "BLOCK_BYTES", block_bytes)
    for got, expected in zip(results(case), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
