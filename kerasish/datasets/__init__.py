"""Data to learn with: `(x_train, y_train), (x_test, y_test) = kerasish.datasets.digits.load_data()`.

`digits` is part of the package. The others are downloaded once into the cache (`KERASISH_HOME`, or
`~/.kerasish`).
"""

from kerasish.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]
