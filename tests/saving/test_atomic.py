"""atomic_path: the old file or the new, never a part."""

import os

import pytest

from kerasish.saving.atomic import atomic_path


def test_the_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "model.keras"
    with atomic_path(target) as path:
        assert path.parent == target.parent
        assert path.suffix == ".keras"
        path.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["model.keras"]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "model.h5"
    target.write_text("old")

    def interrupted():
        with atomic_path(target) as path:
            path.write_text("ha")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["model.h5"]


def test_permissions_and_links_stay(tmp_path):
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    with atomic_path(link) as path:
        path.write_text("new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_what_is_wrong_with_the_path_is_said(tmp_path):
    with pytest.raises(IsADirectoryError, match="this is a folder"), atomic_path(tmp_path):
        pass
    with pytest.raises(FileNotFoundError, match="Nothing was written"), atomic_path(tmp_path / "a"):
        pass
    assert os.listdir(tmp_path) == []


def test_the_content_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    with atomic_path(tmp_path / "a") as path:
        path.write_text("x")
    assert order == ["fsync", "replace", "fsync"]
