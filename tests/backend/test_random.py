from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy import stats

WORD = 2**64 - 1


def philox_words(seed, stream, step, count):
    """Philox4x64-10 in Python integers, from the paper."""
    words = []
    for block in range((count + 3) // 4):
        c0, c1, c2, c3 = block + 1, 0, step, 0
        k0, k1 = seed, stream
        for _ in range(10):
            low, high = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
            c0, c1, c2, c3 = (high >> 64) ^ c1 ^ k0, high & WORD, (low >> 64) ^ c3 ^ k1, low & WORD
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) & WORD, (k1 + 0xBB67AE8584CAA73B) & WORD
        words += [c0, c1, c2, c3]
    return words[:count]


def philox_halves(seed, stream, step, count):
    words = philox_words(seed, stream, step, (count + 1) // 2)
    return [half for word in words for half in (word & 0xFFFFFFFF, word >> 32)][:count]


KEYS = [(0, 0, 0), (1337, 5, 12), (2**63 + 11, WORD, 2**40 + 1)]


@pytest.mark.parametrize(("seed", "stream", "step"), KEYS)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 24])
def test_bits_are_those_of_a_plain_philox(kernels, seed, stream, step, count):
    bits = kernels.random_bits(seed=seed, stream=stream, step=step, shape=(count,))
    assert bits.dtype == np.uint32
    assert bits.tolist() == philox_halves(seed, stream, step, count)


@pytest.mark.parametrize(("seed", "stream", "step"), KEYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniforms_are_those_of_a_numpy_generator(kernels, seed, stream, step, dtype):
    key, counter = np.array([seed, stream], "uint64"), np.array([0, 0, step, 0], "uint64")
    generator = np.random.Generator(np.random.Philox(key=key, counter=counter))
    uniform = kernels.random_uniform(seed=seed, stream=stream, step=step, shape=(5, 3), dtype=dtype)
    assert uniform.dtype == dtype
    np.testing.assert_array_equal(uniform, generator.random((5, 3), dtype=dtype))


def test_half_precision_uniforms_are_the_top_bits_and_stay_below_one(kernels):
    uniform = kernels.random_uniform(seed=3, stream=0, step=0, shape=(20000,), dtype="float16")
    bits = kernels.random_bits(seed=3, stream=0, step=0, shape=(20000,))
    assert uniform.dtype == np.float16
    assert uniform.max() < 1
    np.testing.assert_array_equal(uniform.astype("float64"), (bits >> 21) / 2**11)


def test_negative_and_device_like_counters_are_taken_modulo_two_to_the_64(kernels):
    one = kernels.random_bits(seed=-1, stream=-2, step=np.array(7), shape=(4,))
    assert one.tolist() == philox_halves(WORD, WORD - 1, 7, 4)


def test_seed_stream_and_step_each_change_the_numbers(kernels):
    draws = [
        tuple(kernels.random_bits(seed=a, stream=b, step=c, shape=(4,)).tolist())
        for a, b, c in [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    ]
    assert len(set(draws)) == 4


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (3, 3), (40000,)])
def test_normals_are_the_documented_pairs(kernels, dtype, shape):
    count = int(np.prod(shape))
    source = "float64" if dtype == "float64" else "float32"
    common = {"seed": 4, "stream": 1, "step": 2}
    u = kernels.random_uniform(**common, shape=(count + 1,), dtype=source).astype("float64")
    normal = kernels.random_normal(**common, shape=shape, dtype=dtype)
    assert normal.dtype == dtype
    assert normal.shape == shape
    pairs = (count + 1) // 2
    radius, angle = np.sqrt(-2 * np.log(1 - u[0 : 2 * pairs : 2])), 2 * np.pi * u[1 : 2 * pairs : 2]
    expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[:count]
    np.testing.assert_allclose(normal.reshape(-1), expected.astype(dtype), rtol=1e-12, atol=1e-12)


def test_normals_have_the_normal_distribution(kernels):
    z = kernels.random_normal(seed=0, stream=0, step=0, shape=(20000,), dtype="float32")
    assert stats.kstest(z, "norm").pvalue > 0.01


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_truncated_normals_stay_within_two_deviations_and_have_the_distribution(kernels, dtype):
    z = kernels.random_truncated_normal(seed=9, stream=0, step=0, shape=(2, 10000), dtype=dtype)
    assert z.dtype == dtype
    assert np.abs(z).max() <= 2
    assert stats.kstest(z.reshape(-1).astype("float64"), stats.truncnorm(-2, 2).cdf).pvalue > 0.01


def test_truncated_normals_are_the_inverse_of_the_distribution_function(kernels):
    common = {"seed": 9, "stream": 0, "step": 0, "shape": (301,)}
    u = kernels.random_uniform(**common, dtype="float64")
    expected = stats.truncnorm(-2, 2).ppf(u)
    np.testing.assert_allclose(
        kernels.random_truncated_normal(**common, dtype="float64"), expected, rtol=1e-10, atol=1e-12
    )


DROPOUT = {"seed": 6, "stream": 2, "step": 3}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_where_the_uniform_is_at_least_the_rate(kernels, rate, dtype):
    x = np.linspace(-3, 3, 1001).astype(dtype)
    u = kernels.random_uniform(**DROPOUT, shape=x.shape, dtype="float32").astype("float64")
    y = kernels.dropout(x, rate=rate, noise_shape=None, **DROPOUT)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, x * (u >= rate) / (1 - rate), rtol=2e-3 if dtype == "float16" else 1e-6)
    np.testing.assert_array_equal(kernels.dropout_backward(x, rate=rate, noise_shape=None, **DROPOUT), y)


def test_dropout_broadcasts_its_noise_shape(kernels):
    x = np.ones((5, 40, 3), "float32")
    y = kernels.dropout(x, rate=0.5, noise_shape=(5, 1, 3), **DROPOUT)
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert {0.0, 2.0} == set(y.reshape(-1).tolist())


def test_dropout_accepts_rate_one_infinities_empty_arrays_and_views(kernels):
    x = np.array([[np.inf, 1.0, -np.inf, np.nan]], "float32").T[::-1]
    assert not kernels.dropout(x, rate=1.0, noise_shape=None, **DROPOUT).any()
    y = kernels.dropout(np.full(100, np.inf, "float32"), rate=0.5, noise_shape=None, **DROPOUT)
    assert {0.0, np.inf} == set(y.tolist())
    assert kernels.dropout(np.ones((0, 3)), rate=0.5, noise_shape=None, **DROPOUT).shape == (0, 3)


def test_threads_do_not_disturb_each_other(kernels):
    expected = kernels.random_bits(seed=1, stream=1, step=1, shape=(4000,)).tolist()
    results: list[bool] = []

    def work() -> None:
        same = [kernels.random_bits(seed=1, stream=1, step=1, shape=(4000,)).tolist() == expected for _ in range(10)]
        results.append(all(same))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4


def test_dropout_keeps_a_uniform_equal_to_the_rate_and_drops_one_just_below(kernels):
    x = np.ones(9, "float32")
    u = kernels.random_uniform(**DROPOUT, shape=x.shape, dtype="float32").astype("float64")
    assert kernels.dropout(x, rate=u[4], noise_shape=None, **DROPOUT)[4] > 0
    assert kernels.dropout(x, rate=u[4] + 2.0**-26, noise_shape=None, **DROPOUT)[4] == 0
