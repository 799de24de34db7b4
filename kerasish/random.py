"""Random numbers: the public names of `keras.random`."""

from kerasish.ops.random import (
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    shuffle,
    truncated_normal,
    uniform,
)
from kerasish.ops.seeds import SeedGenerator, set_global_seed

ALL_OBJECTS = {"SeedGenerator": SeedGenerator}

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "set_global_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]
