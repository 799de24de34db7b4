"""Random numbers: the public names of `keras.random`."""

from kerasish.ops.random import (
    SeedGenerator,
    beta,
    binomial,
    categorical,
    dropout,
    gamma,
    normal,
    randint,
    set_global_seed,
    shuffle,
    truncated_normal,
    uniform,
)

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
