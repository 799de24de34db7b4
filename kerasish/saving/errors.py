"""What goes wrong when files are read: one family of errors, and the guard that turns others into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class LoadError(ValueError):
    """A file could not be read, or holds what must not be read.

    Args:
        reason: What is wrong, and what was expected.
        file: The file.
        key: The place in it.

    >>> print(LoadError("expected a group", "a.h5", "/model_weights"))
    a.h5, at '/model_weights': expected a group
    """

    def __init__(self, reason: str, file: Any = None, key: str | None = None) -> None:
        self.reason = reason
        self.file = None if file is None else str(file)
        self.key = key
        place = "" if key is None else f", at {key!r}"
        super().__init__(reason if self.file is None else f"{self.file}{place}: {reason}")


class MissingFileError(LoadError, FileNotFoundError):
    """There is no such file."""


# What parsing a broken file may raise: anything that a wrong shape, kind, size or nesting of data leads to.
_CONVERTED = (
    KeyError,
    TypeError,
    ValueError,
    OSError,
    RecursionError,
    AttributeError,
    IndexError,
    ArithmeticError,
    MemoryError,
    RuntimeError,
    AssertionError,
)


@contextmanager
def reading(file: Any, what: str = "the file") -> Iterator[None]:
    """Inside, whatever fails becomes a `LoadError` that names the file.

    Args:
        file: The file that is being read.
        what: What is being made of it, for the message.
    """
    try:
        yield
    except LoadError as error:
        if error.file is None:
            raise LoadError(error.reason, file, error.key) from error
        raise
    except _CONVERTED as error:
        detail = str(error) or type(error).__name__
        if isinstance(error, KeyError):
            detail = f"the entry {error} is missing"
        elif isinstance(error, RecursionError):
            detail = "it is nested too deeply"
        raise LoadError(f"could not read {what}: {detail}", file) from error
