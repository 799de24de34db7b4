"""`atomic_path`: a file is replaced as a whole, or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(target: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the folder of a file, which takes the file's place when the block ends well.

    Whoever reads the target, even after a crash or a power failure, finds the old content or the new, never a part.
    If the block raises, the temporary file is removed and the old one stays.

    Args:
        target: The file to write. Missing folders are created; a link is followed; the new file has the permissions of
            the old one. The suffix of the temporary path is that of the target.

    Raises:
        IsADirectoryError: If the target is a folder.
        FileNotFoundError: If the block ends without having written the temporary path.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_path(folder / "notes.txt") as path:
    ...     _ = path.write_text("whole")
    >>> (folder / "notes.txt").read_text()
    'whole'
    """
    goal = Path(os.path.realpath(target))
    if goal.is_dir():
        raise IsADirectoryError(f"Expected the path of a file, but this is a folder. Received: {os.fspath(target)!r}")
    goal.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{goal.name[:64]}.", suffix=f".tmp{goal.suffix}", dir=goal.parent)
    os.close(handle)
    temporary = Path(name)
    # The name is reserved, but writers such as zip and HDF5 libraries expect to create the file themselves.
    temporary.unlink()
    try:
        yield temporary
        if not temporary.exists():
            raise FileNotFoundError(f"Nothing was written to the temporary path for {os.fspath(target)!r}.")
        _take_permissions(temporary, goal)
        _flush(temporary)
        os.replace(temporary, goal)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush_folder(goal.parent)


def _take_permissions(temporary: Path, goal: Path) -> None:
    with contextlib.suppress(OSError):
        os.chmod(temporary, goal.stat().st_mode)


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name durable, on the systems where a folder can be opened."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
