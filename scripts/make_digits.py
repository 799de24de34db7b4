"""Write kerasish/datasets/data/digits.npz from the digits that scikit-learn ships.

Run it as `python scripts/make_digits.py [file]`; it needs scikit-learn. The result is the same at every run.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "kerasish" / "datasets" / "data" / "digits.npz"
TEST_SIZE = 360


def stratified_split(labels: np.ndarray, test_size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled indices of a training and of a test set in which each class has its share.

    Where the shares are fractions, the classes with the largest remainders get one test sample more.
    """
    # The sequence of RandomState is frozen, so every version of NumPy draws the same split.
    generator = np.random.RandomState(seed)
    classes, counts = np.unique(labels, return_counts=True)
    shares = counts * test_size / len(labels)
    sizes = shares.astype(int)
    rounded_up = np.argsort(sizes - shares, kind="stable")[: test_size - sizes.sum()]
    sizes[rounded_up] += 1
    test = np.concatenate(
        [generator.permutation(np.flatnonzero(labels == label))[:size] for label, size in zip(classes, sizes)]
    )
    train = np.setdiff1d(np.arange(len(labels)), test)
    return generator.permutation(train), generator.permutation(test)


def main(target: Path) -> None:
    """Write the file."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    if not np.array_equal(images, digits.images):
        raise ValueError("The images are not whole numbers.")
    train, test = stratified_split(labels, TEST_SIZE)
    np.savez_compressed(target, x_train=images[train], y_train=labels[train], x_test=images[test], y_test=labels[test])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
