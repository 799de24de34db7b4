"""Files from the network: download once into the cache, verify, and unpack."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from kerasish import config

BLOCK_SIZE = 1 << 16

_logger = logging.getLogger("kerasish")


def kerasish_home() -> str:
    """The folder of the cache: the environment variable `KERASISH_HOME`, or `~/.kerasish`.

    >>> import os
    >>> os.path.isabs(kerasish_home())
    True
    """
    return os.path.abspath(config.home())


def hash_file(fpath: str | os.PathLike[str], algorithm: str = "sha256", chunk_size: int = 65535) -> str:
    """The checksum of a file, in hexadecimal digits.

    Args:
        fpath: the file.
        algorithm: "sha256", "md5", or "auto", which is "sha256" here.
        chunk_size: bytes read at a time.

    Raises:
        ValueError: `algorithm` is none of these.

    >>> hash_file(os.devnull, algorithm="md5")
    'd41d8cd98f00b204e9800998ecf8427e'
    """
    hasher = _hasher("sha256" if algorithm == "auto" else algorithm)
    with open(fpath, "rb") as file:
        while block := file.read(chunk_size):
            hasher.update(block)
    return hasher.hexdigest()


def validate_file(
    fpath: str | os.PathLike[str], file_hash: str, algorithm: str = "auto", chunk_size: int = 65535
) -> bool:
    """Whether a file has the given checksum.

    Args:
        fpath: the file.
        file_hash: 64 hexadecimal digits (sha256) or 32 (md5).
        algorithm: "sha256", "md5", or "auto", which tells them apart by their length.
        chunk_size: bytes read at a time.

    >>> validate_file(os.devnull, "d41d8cd98f00b204e9800998ecf8427e")
    True
    """
    algorithm = _resolve_algorithm(algorithm, file_hash)
    return hash_file(fpath, algorithm, chunk_size) == file_hash.lower()


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str | os.PathLike[str] = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Download a file unless the cache holds it, and return its path.

    The file `example.txt` ends up in `~/.kerasish/datasets/example.txt`. It is written under another name
    beside its place and moved there once it is complete and its checksum is right, so an interrupted
    download leaves nothing. A file put there by hand is used like a downloaded one.

    With `extract=True` the path of the unpacked folder is returned. A name with an extension,
    `flowers.tar.gz`, is kept as the archive and unpacked into `flowers_extracted`; a name without one,
    `flowers`, is the folder, and its archive is `flowers_archive`. The same holds for a name that is taken
    from `origin`, whatever its extension.

    Args:
        fname: the name of the file in the cache, without any folder. By default the last part of `origin`.
        origin: the URL: `https://`, `http://`, or `file://` for a local file. A redirection to any other
            kind of URL, or from `https` to `http`, is refused.
        untar: the older spelling of `extract=True, archive_format="tar"`.
        md5_hash: the older spelling of `file_hash`, for an md5 checksum.
        file_hash: the sha256 or md5 checksum of the file. Give it whenever you know it: it is what
            protects you from a file that was damaged or exchanged.
        cache_subdir: the folder inside the cache, or an absolute path.
        hash_algorithm: "sha256", "md5", or "auto" (by the length of `file_hash`).
        extract: unpack a tar or zip archive, without links, paths that lead outside, or more data than
            the archive can honestly hold.
        archive_format: "auto", "tar" (also compressed), "zip", or a list of them.
        cache_dir: the cache, `KERASISH_HOME` or `~/.kerasish` by default.
        force_download: download again what the cache holds already.

    Returns:
        The path of the file, or of the unpacked folder.

    Raises:
        ValueError: an argument is wrong, the checksum differs, or the archive cannot be unpacked safely.
        OSError: the download failed. The message names the URL and the path where the file can be put by
            hand.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = pathlib.Path(folder, "words.txt")
    ...     _ = source.write_text("to be or not to be")
    ...     path = get_file("copy.txt", origin=source.as_uri(), cache_dir=folder)
    ...     pathlib.Path(path).relative_to(folder).as_posix()
    'datasets/copy.txt'
    """
    if not isinstance(origin, str) or not origin:
        raise ValueError(f"`origin` must be the URL of the file. Received: origin={origin!r}")
    if urllib.parse.urlsplit(origin).scheme.lower() not in ("http", "https", "file"):
        raise ValueError(
            f"`origin` must be a URL that starts with https://, http:// or file://. Received: origin={origin!r}"
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    if file_hash is not None:
        hash_algorithm = _resolve_algorithm(hash_algorithm, file_hash)
    extract = extract or untar
    formats = []
    if extract:
        from kerasish.utils.archive_utils import check_archive_format, extract_archive

        formats = check_archive_format("tar" if untar else archive_format)

    target, folder = _places(fname, origin, cache_subdir, cache_dir, extract)
    if os.path.isdir(target):
        raise ValueError(
            f"{target} is a folder, so the file of this name cannot be kept there. Received: fname={fname!r}"
        )
    download = force_download or not os.path.exists(target)
    if not download and file_hash is not None and not validate_file(target, file_hash, hash_algorithm):
        _logger.warning(
            "The %s checksum of %s is not %s: it is incomplete, outdated or changed, and is downloaded again.",
            hash_algorithm,
            target,
            file_hash,
        )
        download = True
    if download:
        _download(origin, target, file_hash, hash_algorithm)
    if folder is None:
        return target
    if download or not os.path.isdir(folder) or os.path.getmtime(folder) < os.path.getmtime(target):
        extract_archive(target, folder, formats)
    return folder


def _places(
    fname: str | os.PathLike[str] | None,
    origin: str,
    cache_subdir: str | os.PathLike[str],
    cache_dir: str | os.PathLike[str] | None,
    extract: bool,
) -> tuple[str, str | None]:
    """The path of the file, and of the folder it is unpacked into (None without `extract`)."""
    given = os.fspath(fname) if fname else None
    name = given or os.path.basename(urllib.parse.urlsplit(origin).path)
    if not name:
        raise ValueError(f"`origin` ends without the name of a file; pass `fname`. Received: origin={origin!r}")
    if name in (".", "..") or any(character in name for character in ("/", "\\", "\0", os.sep)):
        raise ValueError(
            "`fname` must be the bare name of a file; choose its folder with `cache_dir` and `cache_subdir`. "
            f"Received: fname={fname!r}, origin={origin!r}"
        )
    base = Path(kerasish_home() if cache_dir is None else cache_dir).expanduser()
    directory = base / cache_subdir
    if not extract:
        return str(directory / name), None
    if given and "." in name:
        return str(directory / name), str(directory / f"{name[: name.find('.')]}_extracted")
    return str(directory / f"{name}_archive"), str(directory / name)


def _resolve_algorithm(algorithm: str, file_hash: str) -> str:
    if algorithm not in ("auto", "sha256", "md5"):
        raise ValueError(
            f"`hash_algorithm` must be one of 'auto', 'sha256', 'md5'. Received: hash_algorithm={algorithm!r}"
        )
    lengths = {64: "sha256", 32: "md5"}
    found = lengths.get(len(file_hash)) if isinstance(file_hash, str) else None
    if found is None or algorithm not in ("auto", found):
        raise ValueError(
            "`file_hash` must be the 64 hexadecimal digits of a sha256 checksum or the 32 of md5, and fit "
            f"`hash_algorithm`. Received: file_hash={file_hash!r}, hash_algorithm={algorithm!r}"
        )
    return found


def _hasher(algorithm: str) -> Any:
    if algorithm not in ("sha256", "md5"):
        raise ValueError(f"`algorithm` must be 'sha256' or 'md5'. Received: algorithm={algorithm!r}")
    import hashlib

    return hashlib.new(algorithm, usedforsecurity=algorithm == "sha256")


def _download(origin: str, target: str, file_hash: str | None, algorithm: str) -> None:
    """Write the contents of `origin` to `target`: all of it, with the right checksum, or nothing."""
    partial = f"{target}.{secrets.token_hex(4)}.part"
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(partial, "xb") as file:
            found = _transfer(origin, file, algorithm if file_hash else "sha256", os.path.basename(target))
        if file_hash is not None and found != file_hash.lower():
            raise ValueError(
                f"Incomplete or corrupted file: the {algorithm} checksum of {origin} is {found}, and "
                f"{file_hash} was expected. Nothing was written to {target}."
            )
        os.replace(partial, target)
    except OSError as error:
        checksum = f" (its {algorithm} checksum must be {file_hash})" if file_hash else ""
        raise OSError(
            f"URL fetch failure on {origin}: {error}. Without a network connection, place the file "
            f"by hand at {target}{checksum}; `KERASISH_HOME` or `cache_dir` choose another cache."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(partial)


def _transfer(origin: str, file: IO[bytes], algorithm: str, name: str) -> str:
    """Copy the contents of a URL into an open file, and return their checksum."""
    from tqdm import tqdm

    from kerasish.utils.http_utils import open_url

    hasher = _hasher(algorithm)
    with (
        open_url(origin) as (source, total),
        tqdm(
            total=total,
            desc=f"Downloading {name}",
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            disable=not config.is_interactive_logging_enabled(),
        ) as bar,
    ):
        received = 0
        while block := source.read(BLOCK_SIZE):
            file.write(block)
            hasher.update(block)
            received += len(block)
            bar.update(len(block))
    if total is not None and received != total:
        raise OSError(f"the connection ended after {received} of {total} bytes")
    return hasher.hexdigest()
