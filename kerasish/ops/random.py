"""Random numbers: distributions, dropout, shuffling.

Every draw is a function of a seed and a counter. A `SeedGenerator` holds both in its `state`, `[seed, counter]`;
each draw uses the pair and then adds one to the counter. An integer seed stands for the pair `(seed, 0)`. Element i of
a draw is element i of the Philox sequence with key `(seed, stream)` and counter `step`, where `step` is the counter and
`stream` is 0. So one pair gives the same numbers on every device, and a run that restores the states of its generators
goes on bit for bit. The gamma, beta and binomial distributions draw with NumPy's generator on the host, from the same
key and counter: their numbers may change with the version of NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import (
    Node,
    Primitive,
    Tensor,
    apply,
    convert_to_tensor,
    dummy,
    op,
)
from kerasish.autodiff.state import state
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, numpy_dtype, standardize_dtype
from kerasish.ops.seeds import seed_and_counter


def _shape_of(*, shape: Any, dtype: Any, **_: Any) -> tuple[Any, Any]:
    return shape, dtype


UNIFORM = Primitive("random_uniform", infer=_shape_of)
NORMAL = Primitive("random_normal", infer=_shape_of)
TRUNCATED_NORMAL = Primitive("random_truncated_normal", infer=_shape_of)


def _float_dtype(name: str, dtype: Any) -> str:
    wanted = standardize_dtype(dtype)
    if wanted not in FLOATS:
        raise ValueError(f"{name}: expected a floating-point dtype. Received: dtype={dtype!r}")
    return wanted


def _draw(primitive: Primitive, shape: Any, dtype: str, seed: Any) -> Tensor:
    number, step = seed_and_counter(seed)
    drawn = "float32" if dtype == "bfloat16" else dtype
    sizes = tuple([int(size) for size in shape])
    y = apply(
        primitive,
        (),
        {"seed": number, "stream": 0, "step": step, "shape": sizes, "dtype": numpy_dtype(drawn)},
    )
    return y if drawn == dtype else convert_to_tensor(y, dtype)


def _is(value: Any, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def _scaled(y: Tensor, scale: Any, shift: Any, dtype: str) -> Tensor:
    if not _is(scale, 1):
        y = y * scale
    if not _is(shift, 0):
        y = y + shift
    return convert_to_tensor(y, dtype)


@op
def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of a normal distribution.

    Args:
        shape: The shape.
        mean: The mean.
        stddev: The standard deviation.
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("normal", dtype)
    return _scaled(_draw(NORMAL, shape, dtype, seed), stddev, mean, dtype)


@op
def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of a normal distribution conditioned on being within two standard deviations of the mean.

    Args:
        shape: The shape.
        mean: The mean of the distribution before it is truncated.
        stddev: Its standard deviation.
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> bool(abs(truncated_normal((4,), seed=1)).numpy().max() <= 2)
    True
    """
    dtype = _float_dtype("truncated_normal", dtype)
    return _scaled(_draw(TRUNCATED_NORMAL, shape, dtype, seed), stddev, mean, dtype)


@op
def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers spread evenly over [minval, maxval).

    Args:
        shape: The shape.
        minval: The lower bound, which may occur.
        maxval: The upper bound, which does not (but for rounding).
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("uniform", dtype)
    return _scaled(_draw(UNIFORM, shape, dtype, seed), maxval - minval, minval, dtype)


@op
def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Integers spread evenly over [minval, maxval).

    Args:
        shape: The shape.
        minval: The lower bound, which may occur.
        maxval: The upper bound, which does not; `maxval - minval` is at most 2**52.
        dtype: An integer dtype.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> numbers = randint((100,), 0, 3, seed=1).tolist()
    >>> sorted(set(numbers))
    [0, 1, 2]
    """
    from kerasish.ops.elementwise import floor

    dtype = standardize_dtype(dtype)
    if dtype in FLOATS or dtype == "bool":
        raise ValueError(f"randint: expected an integer dtype. Received: dtype={dtype!r}")
    # Through float64, whose 53 random bits leave no visible bias.
    numbers = floor(_draw(UNIFORM, shape, "float64", seed) * (maxval - minval))
    return convert_to_tensor(convert_to_tensor(numbers, "int64") + minval, dtype)


@op
def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Class indices, drawn with the probabilities `softmax(logits)` of each row.

    Args:
        logits: Logarithms of probabilities, up to a constant: `(batch, classes)`.
        num_samples: How many to draw for each row.
        dtype: An integer dtype.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    Returns:
        A tensor of shape `(batch, num_samples)`.

    >>> categorical([[0.0, 100.0]], 3, seed=1).tolist()
    [[1, 1, 1]]
    """
    from kerasish.ops.elementwise import log
    from kerasish.ops.reduction import argmax

    logits = convert_to_tensor(logits)
    if logits.ndim != 2:
        raise ValueError(f"categorical: expected logits (batch, classes). Received: logits.shape={logits.shape}")
    batch, classes = logits.shape
    noise = _draw(UNIFORM, (batch, int(num_samples), classes), "float32", seed)
    # The largest of the logits plus Gumbel noise falls on each class with its probability. The noise starts at zero:
    # half of its step keeps the logarithms finite.
    gumbel = -log(-log(noise + 2.0**-25))
    scores = convert_to_tensor(logits, "float32").reshape(batch, 1, classes) + gumbel
    return convert_to_tensor(argmax(scores, axis=-1), dtype)


@op
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The slices along an axis in random order.

    Args:
        x: The tensor.
        axis: The axis; the order is the same for all elements of the other dimensions.
        seed: An integer (the same order each time), a `SeedGenerator`, or None for the global one.

    >>> sorted(shuffle([1, 2, 3], seed=1).tolist())
    [1, 2, 3]
    """
    from kerasish.ops.indexing import take
    from kerasish.ops.sorting import argsort

    x = convert_to_tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"shuffle: the axis does not exist. Received: axis={axis}, x.shape={x.shape}")
    keys = _draw(UNIFORM, (x.shape[axis],), "float64", seed)
    return take(x, argsort(keys), axis=axis)


def _dropout_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    return (apply(DROPOUT_BACKWARD, (dy,), node.attrs),)


def _dropout_infer(x: Any, **attrs: Any) -> tuple[Any, Any]:
    return x.shape, x.dtype


DROPOUT = Primitive("dropout", _dropout_vjp, _dropout_infer)
DROPOUT_BACKWARD = Primitive("dropout_backward", _dropout_vjp, _dropout_infer)


@op
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Set a random part of the elements to zero, and scale the others by `1 / (1 - rate)`.

    The mask is not kept for the gradient: it is drawn again from the same counter.

    Args:
        inputs: The tensor.
        rate: The probability of a zero, in [0, 1].
        noise_shape: The shape of the mask, which broadcasts to that of the tensor; None, or a None in it,
            stands for the size of the tensor.
        seed: An integer (the same mask each time), a `SeedGenerator`, or None for the global one.

    Source: Srivastava et al., 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> sorted(set(dropout([1.0] * 50, 0.5, seed=1).tolist()))
    [0.0, 2.0]
    """
    if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ValueError(f"dropout: expected a rate in [0, 1]. Received: rate={rate!r}")
    x = inputs if isinstance(inputs, Tensor) else convert_to_tensor(inputs)
    if rate == 0:
        return x
    if x.dtype not in FLOATS:
        raise ValueError(f"dropout: expected a floating-point tensor. Received: dtype={x.dtype}")
    sizes = None
    if noise_shape is not None:
        given = tuple(noise_shape)
        if len(given) != x.ndim or any(n not in (None, 1, size) for n, size in zip(given, x.shape)):
            raise ValueError(
                "dropout: expected a noise_shape that broadcasts to the shape of the inputs. "
                f"Received: noise_shape={noise_shape}, inputs.shape={x.shape}"
            )
        sizes = tuple([size if n is None else int(n) for n, size in zip(given, x.shape)])
    number, step = seed_and_counter(seed)
    return apply(
        DROPOUT,
        (x,),
        {"rate": float(rate), "seed": number, "stream": 0, "step": step, "noise_shape": sizes},
    )


def _host(shape: Any, dtype: str, seed: Any, draw: Any, *parameters: Any) -> Tensor:
    """Numbers drawn by NumPy's generator, which starts from the pair of the seed."""
    if state.recorder is not None and not state.abstract:
        state.recorder.refuse("numbers of a gamma, beta or binomial distribution are drawn on the host")
    number, step = seed_and_counter(seed)
    sizes = tuple([int(size) for size in shape])
    if state.abstract:
        return Tensor(dummy(sizes, numpy_dtype(dtype)))
    generator = np.random.Generator(np.random.Philox(key=[number, 0], counter=[0, 0, step, 0]))
    values = draw(generator, *[convert_to_tensor(p).numpy().astype(np.float64) for p in parameters], sizes)
    return Tensor(K.asarray(np.asarray(values).astype(numpy_dtype(dtype))))


@op
def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the gamma distribution of shape parameter alpha and scale 1. No gradient.

    Args:
        shape: The shape, to which `alpha` broadcasts.
        alpha: The shape parameter, positive.
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> bool(gamma((3,), 2.0, seed=1).numpy().min() > 0)
    True
    """
    return _host(shape, _float_dtype("gamma", dtype), seed, np.random.Generator.standard_gamma, alpha)


@op
def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the beta distribution, in [0, 1]. No gradient.

    Args:
        shape: The shape, to which the parameters broadcast.
        alpha: The first parameter, positive.
        beta: The second parameter, positive.
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> beta((3,), 2.0, 3.0, seed=1).shape
    (3,)
    """
    return _host(shape, _float_dtype("beta", dtype), seed, np.random.Generator.beta, alpha, beta)


def _binomial(generator: np.random.Generator, counts: Any, probabilities: Any, size: tuple[int, ...]) -> Any:
    return generator.binomial(counts.astype(np.int64), probabilities, size)


@op
def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of successes in `counts` trials of a given probability. No gradient.

    Args:
        shape: The shape, to which the parameters broadcast.
        counts: The number of trials.
        probabilities: The probability of a success, in [0, 1].
        dtype: A floating-point dtype, by default the default float.
        seed: An integer (the same numbers each time), a `SeedGenerator`, or None for the global one.

    >>> binomial((2,), 5, 1.0, seed=1).tolist()
    [5.0, 5.0]
    """
    return _host(shape, _float_dtype("binomial", dtype), seed, _binomial, counts, probabilities)
