import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest

from kerasish.utils import archive_utils
from kerasish.utils.archive_utils import extract_archive
from kerasish.utils.file_utils import get_file

FILES = {"top.txt": b"top", "deep/er/file.txt": b"deep"}


def write_tar(path, files=FILES, links=(), mode="w:gz", members=()):
    with tarfile.open(path, mode) as tar:
        for name, contents in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))
        for name, kind, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
        for info in members:
            tar.addfile(info)
    return str(path)


def write_zip(path, files=FILES, links=()):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
        for name, target in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, target)
    return str(path)


def contents_of(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def unpack(tmp_path):
    """Unpacks an archive, and checks that a refused one leaves nothing, inside of the folder or outside."""

    def run(path, formats=("tar", "zip")):
        before = sorted(tmp_path.rglob("*"))
        try:
            extract_archive(path, str(tmp_path / "out"), formats)
        except ValueError:
            assert sorted(tmp_path.rglob("*")) == before
            raise
        assert sorted(tmp_path.glob("*.part")) == []
        return contents_of(tmp_path / "out")

    return run


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_are_unpacked(tmp_path, unpack, mode):
    assert unpack(write_tar(tmp_path / "a", mode=mode), ["tar"]) == FILES


def test_zip_archives_are_unpacked(tmp_path, unpack):
    assert unpack(write_zip(tmp_path / "a"), ["zip"]) == FILES


def test_empty_folders_are_kept(tmp_path, unpack):
    folder = tarfile.TarInfo("empty")
    folder.type = tarfile.DIRTYPE
    unpack(write_tar(tmp_path / "a", members=[folder]))
    assert (tmp_path / "out" / "empty").is_dir()


def test_links_to_files_of_the_archive_become_copies(tmp_path, unpack):
    links = [
        ("deep/up", tarfile.SYMTYPE, "../top.txt"),
        ("hard", tarfile.LNKTYPE, "deep/er/file.txt"),
        ("twice", tarfile.SYMTYPE, "deep/up"),
    ]
    found = unpack(write_tar(tmp_path / "a", links=links))
    assert found == {**FILES, "deep/up": b"top", "hard": b"deep", "twice": b"top"}
    assert not any(path.is_symlink() for path in (tmp_path / "out").rglob("*"))


def test_links_of_zip_archives_become_copies(tmp_path, unpack):
    assert unpack(write_zip(tmp_path / "a", links=[("deep/up", "../top.txt")])) == {
        **FILES,
        "deep/up": b"top",
    }
    with pytest.raises(ValueError, match="leads outside"):
        unpack(write_zip(tmp_path / "b", links=[("deep/up", "../../secret")]))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "absent", "deep", "link"])
def test_links_to_anything_else_are_refused(tmp_path, unpack, kind, target):
    (tmp_path / "outside").write_text("secret")
    with pytest.raises(ValueError, match=r"was not unpacked: its member"):
        unpack(write_tar(tmp_path / "a", links=[("link", kind, target)]))


@pytest.mark.parametrize("name", ["../evil", "/evil", "deep/../../evil", "..\\evil", "C:\\evil", ".."])
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_paths_that_lead_outside_are_refused(tmp_path, unpack, write, name):
    with pytest.raises(ValueError, match="leads outside"):
        unpack(write(tmp_path / "a", {**FILES, name: b"evil"}))


def test_devices_are_refused(tmp_path, unpack):
    pipe = tarfile.TarInfo("pipe")
    pipe.type = tarfile.FIFOTYPE
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        unpack(write_tar(tmp_path / "a", members=[pipe]))


@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_archives_that_unpack_to_far_more_than_their_size_are_refused(tmp_path, unpack, write, monkeypatch):
    path = write(tmp_path / "a", {"zeros": bytes(1_000_000)})
    monkeypatch.setattr(archive_utils, "ALWAYS_ALLOWED_BYTES", 1000)
    with pytest.raises(ValueError, match="more than 200 times"):
        unpack(path)
    monkeypatch.setattr(archive_utils, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    assert unpack(path) == {"zeros": bytes(1_000_000)}


def test_archives_of_too_many_members_are_refused(tmp_path, unpack, monkeypatch):
    monkeypatch.setattr(archive_utils, "MAX_MEMBERS", 1)
    with pytest.raises(ValueError, match="more than 1 members"):
        unpack(write_tar(tmp_path / "a"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz"])
def test_truncated_tar_archives_are_refused(tmp_path, unpack, mode):
    path = write_tar(tmp_path / "a", {"a": bytes(range(256)) * 100, "b": b"b"}, mode=mode)
    with open(path, "r+b") as file:
        file.truncate(200 if mode != "w" else 3000)
    with pytest.raises(ValueError, match=r"damaged|complete archive"):
        unpack(path)


def test_zip_archives_with_changed_bytes_are_refused(tmp_path, unpack):
    path = write_zip(tmp_path / "a", {"a": bytes(range(256)) * 10})
    with open(path, "r+b") as file:
        file.seek(60)
        file.write(b"\0\0\0\0")
    with pytest.raises(ValueError, match="damaged"):
        unpack(path)


def test_what_is_no_archive_is_refused(tmp_path, unpack):
    (tmp_path / "a").write_bytes(gzip.compress(b"text"))
    for formats in (["tar", "zip"], ["zip"], []):
        with pytest.raises(ValueError, match="not a complete archive"):
            unpack(str(tmp_path / "a"), formats)
    write_zip(tmp_path / "b")
    with pytest.raises(ValueError, match="format tar"):
        unpack(str(tmp_path / "b"), ["tar"])


@pytest.mark.parametrize(
    ("fname", "archive", "folder"),
    [
        (None, "flowers.tgz_archive", "flowers.tgz"),
        ("plants", "plants_archive", "plants"),
        ("plants.tar.gz", "plants.tar.gz", "plants_extracted"),
    ],
)
def test_get_file_unpacks_into_a_folder_beside_the_archive(tmp_path, fname, archive, folder):
    origin = (tmp_path / "flowers.tgz").as_uri()
    write_tar(tmp_path / "flowers.tgz")
    path = get_file(fname, origin=origin, extract=True, cache_dir=tmp_path, cache_subdir="cache")
    assert path == str(tmp_path / "cache" / folder)
    assert contents_of(tmp_path / "cache" / folder) == FILES
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == sorted([archive, folder])


def test_get_file_unpacks_again_only_after_a_download_and_keeps_other_files(tmp_path):
    origin = (tmp_path / "flowers.tgz").as_uri()
    kwargs = {"fname": "flowers", "origin": origin, "untar": True, "cache_dir": tmp_path}
    write_tar(tmp_path / "flowers.tgz")
    folder = tmp_path / "datasets" / "flowers"
    get_file(**kwargs)
    (folder / "top.txt").write_bytes(b"edited")
    (folder / "own.txt").write_bytes(b"own")
    get_file(**kwargs)
    assert contents_of(folder)["top.txt"] == b"edited"
    os.utime(folder, (2**32, 2**32))
    get_file(**kwargs, force_download=True)
    assert contents_of(folder) == {**FILES, "own.txt": b"own"}


def test_get_file_refuses_a_zip_archive_where_a_tar_archive_is_wanted(tmp_path):
    write_zip(tmp_path / "flowers.zip")
    with pytest.raises(ValueError, match="format tar"):
        get_file(origin=(tmp_path / "flowers.zip").as_uri(), untar=True, cache_dir=tmp_path)
