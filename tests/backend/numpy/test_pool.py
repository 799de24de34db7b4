import numpy as np
import pytest

from kerasish.backend.numpy import _patches, pool

# (x shape, window, strides, padding)
CASES = {
    "1-d": ((5, 7, 3), (2,), (2,), ((0, 0),)),
    "2x2": ((3, 6, 4, 3), (2, 2), (2, 2), ((0, 0), (0, 0))),
    "overlapping": ((3, 7, 6, 2), (3, 3), (2, 1), ((1, 1), (1, 1))),
    "stride past the window": ((3, 9, 8, 2), (2, 1), (3, 4), ((0, 0), (0, 0))),
    "whole image": ((3, 4, 3, 5), (4, 3), (4, 3), ((0, 0), (0, 0))),
    "3-d": ((3, 4, 5, 4, 2), (2, 3, 2), (2, 1, 2), ((0, 0), (1, 1), (0, 0))),
}


def results(case):
    shape, window, strides, padding = case
    named = {"window": window, "strides": strides, "padding": padding}
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    largest = pool.max_pool(x, **named)
    dy = rng.normal(size=largest.shape)
    return (
        largest,
        pool.max_pool_backward(dy, x, largest, **named),
        pool.average_pool(x, **named),
        pool.average_pool_backward(dy, input_shape=shape, **named),
    )


@pytest.mark.parametrize("block_bytes", [1, 300])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_pooling_cut_into_blocks_gives_the_same(case, block_bytes, monkeypatch):
    whole = results(case)
    monkeypatch.setattr(_patches, "BLOCK_BYTES", block_bytes)
    for got, expected in zip(results(case), whole, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-13)
