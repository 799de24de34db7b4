"""Train an image classifier on handwritten digits, save it, and check it in a new process.

    python scripts/train_mnist.py                                   # the bundled 8x8 digits
    python scripts/train_mnist.py --dataset mnist --epochs 10       # MNIST (downloaded, or placed by hand)

The run can be interrupted at any time; `--resume` continues it from the last finished epoch, with the same
numbers as if it had never stopped.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

DATASETS = ("digits", "mnist", "fashion_mnist")
MODELS = ("cnn", "mlp")


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="digits")
    parser.add_argument("--model", choices=MODELS, default="cnn")
    parser.add_argument("--epochs", type=int, default=None, help="40 for digits, 10 for the others")
    parser.add_argument("--batch-size", type=int, default=None, help="32 for digits, 128 for the others")
    parser.add_argument("--backend", default=None, help="auto, numpy, numba or cupy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--out", type=Path, default=None, help="the folder of the results: runs/DATASET-MODEL")
    parser.add_argument("--verbose", type=int, choices=(0, 1, 2), default=1)
    parser.add_argument("--evaluate", type=Path, default=None, help="only evaluate this model file")
    options = parser.parse_args(arguments)
    small = options.dataset == "digits"
    options.epochs = options.epochs if options.epochs is not None else 40 if small else 10
    options.batch_size = options.batch_size if options.batch_size is not None else 32 if small else 128
    options.out = options.out or Path("runs") / f"{options.dataset}-{options.model}"
    return options


def load(dataset: str) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Images as floats from 0 to 1 with a channel, and labels."""
    import kerasish

    (x_train, y_train), (x_test, y_test) = getattr(kerasish.datasets, dataset).load_data()
    largest = float(x_train.max())
    x_train, x_test = (x[..., np.newaxis].astype("float32") / largest for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)


def build(name: str, input_shape: tuple[int, ...], classes: int = 10):
    """The model: a small convolutional network, or a multi-layer perceptron."""
    from kerasish import Sequential, layers

    if name == "mlp":
        return Sequential(
            [
                layers.Input(input_shape),
                layers.Flatten(),
                layers.Dense(256, activation="relu"),
                layers.Dropout(0.3),
                layers.Dense(128, activation="relu"),
                layers.Dropout(0.3),
                layers.Dense(classes, activation="softmax"),
            ],
            name="mlp",
        )
    return Sequential(
        [
            layers.Input(input_shape),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.4),
            layers.Dense(classes, activation="softmax"),
        ],
        name="cnn",
    )


def evaluate(path: Path, dataset: str, batch_size: int) -> float:
    """The accuracy on the test images of the model in a file."""
    import kerasish

    _, (x_test, y_test) = load(dataset)
    model = kerasish.models.load_model(path)
    return float(model.evaluate(x_test, y_test, batch_size=batch_size, verbose=0, return_dict=True)["accuracy"])


def train(options: argparse.Namespace) -> float:
    """Train, save, and return the accuracy on the test images."""
    import kerasish
    from kerasish import callbacks

    kerasish.utils.set_random_seed(options.seed)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    (x_train, y_train), (x_test, y_test) = load(options.dataset)
    model = build(options.model, x_train.shape[1:])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    backup = out / "backup"
    if not options.resume and backup.exists():
        for file in backup.iterdir():
            file.unlink()
    best = out / "best.h5"
    held_out = len(x_train) // 10
    print(f"Training on {len(x_train) - held_out} images, validating on {held_out}.", flush=True)
    model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_split=0.1,
        verbose=options.verbose,
        callbacks=[
            callbacks.EarlyStopping("val_loss", patience=8, restore_best_weights=True),
            callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
            callbacks.CSVLogger(out / "log.csv", append=options.resume),
            callbacks.BackupAndRestore(backup),
        ],
    )
    accuracy = float(
        model.evaluate(x_test, y_test, batch_size=options.batch_size, verbose=0, return_dict=True)["accuracy"]
    )
    model.save(out / "model.h5")
    np.save(out / "predictions.npy", model.predict(x_test, batch_size=options.batch_size, verbose=0))
    return accuracy


def compare_predictions(options: argparse.Namespace) -> bool:
    """Whether the model in the file predicts exactly what the trained one predicted."""
    import kerasish

    _, (x_test, _) = load(options.dataset)
    model = kerasish.models.load_model(options.evaluate)
    predictions = model.predict(x_test, batch_size=options.batch_size, verbose=0)
    return bool(np.array_equal(predictions, np.load(options.evaluate.parent / "predictions.npy")))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    options = parse_arguments(arguments)
    if options.backend:
        os.environ["KERASISH_BACKEND"] = options.backend
    if options.evaluate is not None:
        accuracy = evaluate(options.evaluate, options.dataset, options.batch_size)
        same = compare_predictions(options)
        print(f"Test accuracy of the reloaded model: {accuracy:.4f} (predictions identical: {'yes' if same else 'NO'})")
        return 0 if same else 1
    try:
        accuracy = train(options)
    except KeyboardInterrupt:
        print("\nInterrupted. Continue with the same command and --resume.", file=sys.stderr)
        return 130
    print(f"Test accuracy of the trained model:  {accuracy:.4f}", flush=True)
    # A process of its own sees nothing but the file.
    command = [sys.executable, __file__, "--evaluate", str(options.out / "model.h5")]
    command += ["--dataset", options.dataset, "--batch-size", str(options.batch_size)]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
