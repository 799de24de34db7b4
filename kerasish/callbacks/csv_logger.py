"""`CSVLogger`: the values of each epoch in a table."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes the values of each epoch into a CSV file, a row an epoch.

    Args:
        filename: The file; missing folders are created.
        separator: What stands between the columns.
        append: Whether to go on with an existing file instead of replacing it.

    >>> CSVLogger("training.csv", separator=";").sep
    ';'
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"Expected separator to be one character. Received: separator={separator!r}")
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._header = True
        self._begun = False
        self._continued = append

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training. The file is begun by the first epoch, so that a resumed run finds it whole."""
        self._begun = False
        self._continued = self.append

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin the file."""
        if not self._begun:
            self._begin()

    def _begin(self) -> None:
        path = Path(self.filename)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.keys = None
        self._header = not (self._continued and path.exists() and path.stat().st_size > 0)
        if self._header:
            path.write_bytes(b"")
        else:
            with open(path, newline="", encoding="utf-8") as file:
                header = next(csv.reader(file, delimiter=self.sep), [])
            self.keys = header[1:] if header[:1] == ["epoch"] else None
        self._begun = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Write a row."""
        logs = logs or {}
        if not self._begun:
            self._begin()
        if self.keys is None:
            keys = sorted(logs)
            # A validation that comes later has its columns from the beginning.
            if not any(key.startswith("val_") for key in keys):
                keys += [f"val_{key}" for key in keys]
            self.keys = keys
        # The file is open for a row only, so that a training that fails leaves no open file.
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.sep)
            if self._header:
                writer.writerow(["epoch", *self.keys])
                self._header = False
            writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])

    def get_state(self) -> dict[str, Any]:
        """How much of the file is written."""
        return {"size": os.path.getsize(self.filename) if self._begun else 0}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the file of the killed run; the rows of epochs that are repeated are cut off."""
        path = Path(self.filename)
        if state["size"] and path.exists() and path.stat().st_size >= state["size"]:
            os.truncate(path, state["size"])
            self._continued = True


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return f'"[{", ".join(map(str, value))}]"'
    return value
