"""Unpacking tar and zip archives that nobody has to trust."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import os
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import IO, NamedTuple

# An archive of real data shrinks a few times; one that is made to fill a disk shrinks a thousand times.
MAX_RATIO = 200
ALWAYS_ALLOWED_BYTES = 1 << 30
MAX_MEMBERS = 5_000_000
BLOCK_SIZE = 1 << 18

# Raised by damaged contents, by an encrypted zip file (RuntimeError), and by a file in the place of a folder.
_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    EOFError,
    RuntimeError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
)


class _Member(NamedTuple):
    """One file, folder or link of an archive; `open` returns the contents of a file."""

    name: str
    kind: str
    open: Callable[[], IO[bytes]]
    link: str = ""


def check_archive_format(archive_format: str | Sequence[str] | None) -> list[str]:
    """The list of archive formats that an `archive_format` argument stands for.

    Raises:
        ValueError: it is anything but "auto", "tar", "zip", None or a list of "tar" and "zip".

    >>> check_archive_format("auto")
    ['tar', 'zip']
    """
    if archive_format is None:
        return []
    if archive_format == "auto":
        return ["tar", "zip"]
    formats = [archive_format] if isinstance(archive_format, str) else list(archive_format)
    if any(name not in ("tar", "zip") for name in formats):
        raise ValueError(
            "`archive_format` must be 'auto', 'tar', 'zip', a list of 'tar' and 'zip', or None. "
            f"Received: archive_format={archive_format!r}"
        )
    return formats


def extract_archive(path: str, folder: str, formats: Sequence[str]) -> None:
    """Unpack the archive `path` into `folder`, all of it or nothing.

    A link to a file of the same archive becomes a copy of that file; any other link, a device, a path that
    is absolute or leads outside, and an archive that unpacks to far more than it can honestly hold are
    errors. Files that `folder` holds already and the archive does not have stay.

    Args:
        path: the archive.
        folder: where its contents go; made if it does not exist.
        formats: those to try, of "tar" and "zip".

    Raises:
        ValueError: the file is not an archive of these formats, is damaged, or is not safe to unpack.

    >>> import pathlib, tempfile, zipfile
    >>> with tempfile.TemporaryDirectory() as home:
    ...     with zipfile.ZipFile(f"{home}/words.zip", "w") as archive:
    ...         archive.writestr("en/words.txt", "to be")
    ...     extract_archive(f"{home}/words.zip", f"{home}/words", ["zip"])
    ...     pathlib.Path(home, "words", "en", "words.txt").read_text()
    'to be'
    """
    staging = f"{os.path.abspath(folder)}.{secrets.token_hex(4)}.part"
    try:
        with _open_archive(path, formats) as members:
            _extract_members(path, members, staging)
        _move_into(staging, folder)
    except _UNREADABLE as error:
        raise ValueError(f"The archive {path} is damaged or cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


@contextlib.contextmanager
def _open_archive(path: str, formats: Sequence[str]) -> Iterator[Iterator[_Member]]:
    if "tar" in formats and tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            yield _tar_members(tar)
    elif "zip" in formats and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield _zip_members(archive)
    else:
        expected = " or ".join(formats) or "None"
        raise ValueError(f"{path} cannot be unpacked: it is not a complete archive of the format {expected}.")


def _tar_members(tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in tar:
        kind, link = "special", ""
        if info.isreg():
            kind = "file"
        elif info.isdir():
            kind = "folder"
        elif info.issym():
            # The target of a symbolic link is relative to its own folder, that of a hard link to the root.
            kind, link = "link", os.path.join(os.path.dirname(info.name), info.linkname)
        elif info.islnk():
            kind, link = "link", info.linkname

        def open_file(info: tarfile.TarInfo = info) -> IO[bytes]:
            file = tar.extractfile(info)
            if file is None:
                raise tarfile.ExtractError(f"{info.name} has no contents")
            return file

        yield _Member(info.name, kind, open_file, link)


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for info in archive.infolist():

        def open_file(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return archive.open(info)

        kind, link = "folder" if info.is_dir() else "file", ""
        if stat.S_ISLNK(info.external_attr >> 16):
            with open_file() as file:
                target = file.read(4096).decode("utf-8", "replace")
            kind, link = "link", os.path.join(os.path.dirname(info.filename), target)
        yield _Member(info.filename, kind, open_file, link)


def _extract_members(path: str, members: Iterator[_Member], staging: str) -> None:
    budget = max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * os.path.getsize(path))
    files: dict[str, _Member] = {}
    links: list[_Member] = []
    os.makedirs(staging)
    for count, member in enumerate(members, 1):
        if count > MAX_MEMBERS:
            raise ValueError(f"The archive {path} was not unpacked: it has more than {MAX_MEMBERS} members.")
        name = _safe_name(path, member.name)
        if member.kind == "file":
            files[name] = member
            budget = _write(path, member, os.path.join(staging, name), budget)
        elif member.kind == "folder":
            os.makedirs(os.path.join(staging, name), exist_ok=True)
        elif member.kind == "link":
            links.append(member)
        else:
            raise ValueError(
                f"The archive {path} was not unpacked: its member {member.name!r} is neither a file nor a folder."
            )
    targets = {_safe_name(path, link.name): link for link in links}
    for name, link in targets.items():
        source = _follow(path, link, files, targets)
        budget = _write(path, source, os.path.join(staging, name), budget)


def _safe_name(path: str, name: str) -> str:
    """The normalized path of a member below the folder; an error where it leads outside."""
    plain = name.replace("\\", "/")
    normal = os.path.normpath(plain)
    drive = os.path.splitdrive(plain)[0] or (len(plain) > 1 and plain[1] == ":")
    if not plain or "\0" in plain or drive or plain.startswith("/") or normal.split(os.sep)[0] == "..":
        raise ValueError(f"The archive {path} was not unpacked: its member {name!r} leads outside of the folder.")
    return normal


def _follow(path: str, link: _Member, files: dict[str, _Member], links: dict[str, _Member]) -> _Member:
    """The file that a link stands for."""
    current = link
    for _ in range(40):
        target = _safe_name(path, current.link)
        if target in files:
            return files[target]
        if target not in links:
            break
        current = links[target]
    raise ValueError(
        f"The archive {path} was not unpacked: its member {link.name!r} is a link to {link.link!r}, "
        "which is no file of the archive."
    )


def _write(path: str, member: _Member, destination: str, budget: int) -> int:
    """Write the contents of a member, and return how many bytes may still be written."""
    os.makedirs(os.path.dirname(destination), exist_ok=True)
    with member.open() as source, open(destination, "wb") as file:
        while block := source.read(BLOCK_SIZE):
            budget -= len(block)
            if budget < 0:
                raise ValueError(
                    f"The archive {path} was not unpacked: it holds more than {MAX_RATIO} times its own size."
                )
            file.write(block)
    return budget


def _move_into(staging: str, folder: str) -> None:
    """Move the contents of one folder into another, replacing the files of the same name."""
    if not os.path.isdir(folder):
        try:
            os.replace(staging, folder)
            return
        except OSError:
            # Another process may have made the folder in the meantime.
            if not os.path.isdir(folder):
                raise
    for root, _, names in os.walk(staging):
        destination = os.path.join(folder, os.path.relpath(root, staging))
        os.makedirs(destination, exist_ok=True)
        for name in names:
            os.replace(os.path.join(root, name), os.path.join(destination, name))
    # The folder is now as new as its archive, which is how a later call knows that nothing has to be
    # unpacked.
    os.utime(folder)
