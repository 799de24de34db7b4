"""The reference backend and the CPU default: BLAS and NumPy only."""

from kerasish.backend.numpy import (
    activation,
    attention,
    conv,
    crossentropy,
    dense,
    elementwise,
    embedding,
    indexing,
    linalg,
    normalization,
    optimizer,
    pool,
    random,
    recurrent,
    reduction,
    shape,
)

__all__ = [
    "activation",
    "attention",
    "conv",
    "crossentropy",
    "dense",
    "elementwise",
    "embedding",
    "indexing",
    "linalg",
    "normalization",
    "optimizer",
    "pool",
    "random",
    "recurrent",
    "reduction",
    "shape",
]
