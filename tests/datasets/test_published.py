import hashlib
import logging

import numpy as np
import pytest

from kerasish.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)
from kerasish.datasets.published import check_pairs, fetch, load_npz, load_word_index

ORIGIN = "https://example.org/data.npz"


@pytest.mark.parametrize(
    ("load", "url", "place"),
    [
        (mnist.load_data, "mnist.npz", "mnist.npz"),
        (fashion_mnist.load_data, "train-labels-idx1-ubyte.gz", "fashion-mnist/train-labels-idx1-ubyte.gz"),
        (cifar10.load_data, "~kriz/cifar-10-python.tar.gz", "cifar-10-batches-py-target_archive"),
        (cifar100.load_data, "~kriz/cifar-100-python.tar.gz", "cifar-100-python-target_archive"),
        (imdb.load_data, "imdb.npz", "imdb.npz"),
        (imdb.get_word_index, "imdb_word_index.json", "imdb_word_index.json"),
        (reuters.load_data, "reuters.npz", "reuters.npz"),
        (reuters.get_word_index, "reuters_word_index.json", "reuters_word_index.json"),
        (california_housing.load_data, "california_housing.npz", "california_housing.npz"),
        (boston_housing.load_data, "boston_housing.npz", "boston_housing.npz"),
    ],
)
def test_without_a_network_each_data_set_names_its_url_and_its_place(cache, load, url, place):
    with pytest.raises(OSError, match="by hand") as caught:
        load()
    assert f"/{url}:" in str(caught.value)
    assert str(cache / place) in str(caught.value)


def test_a_file_with_the_published_checksum_is_used_silently(cache, caplog):
    (cache / "data.npz").write_bytes(b"data")
    with caplog.at_level(logging.WARNING, "kerasish"):
        path = fetch("data.npz", ORIGIN, hashlib.sha256(b"data").hexdigest())
    assert path == str(cache / "data.npz")
    assert caplog.text == ""


def test_a_file_placed_by_hand_is_used_with_a_warning(cache, caplog):
    (cache / "data.npz").write_bytes(b"data")
    with caplog.at_level(logging.WARNING, "kerasish"):
        assert fetch("data.npz", ORIGIN, "0" * 64) == str(cache / "data.npz")
    assert "its checksum differs" in caplog.text
    assert ORIGIN in caplog.text


def test_a_download_must_have_the_published_checksum(cache, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path))
    (tmp_path / "source").write_bytes(b"data")
    with pytest.raises(ValueError, match="checksum"):
        fetch("data.npz", (tmp_path / "source").as_uri(), "0" * 64)
    assert list(cache.iterdir()) == []


def test_the_arrays_of_a_file_are_read_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", x=[1, 2], y=[3.0])
    y, x = load_npz(str(tmp_path / "a.npz"), ("y", "x"))
    assert (x.tolist(), y.tolist()) == ([1, 2], [3.0])


def spoil(path, how):
    contents = path.read_bytes()
    if how == "truncated":
        path.write_bytes(contents[: len(contents) // 2])
    elif how == "changed":
        place = contents.index(b"}") + 40
        path.write_bytes(
            contents[:place] + bytes(byte ^ 255 for byte in contents[place : place + 4]) + contents[place + 4 :]
        )
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_bytes(b"<html>not found</html>")
    elif how == "array":
        with open(path, "wb") as file:
            np.save(file, np.zeros(3))
    elif how == "objects":
        np.savez(path, x=np.array([[1], [2, 3]], dtype=object))
    elif how == "lacking":
        np.savez(path, z=[1])


@pytest.mark.parametrize("how", ["truncated", "changed", "empty", "text", "array", "objects", "lacking"])
def test_a_spoiled_file_is_an_error_that_names_it(tmp_path, how):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(100))
    spoil(path, how)
    with pytest.raises(ValueError, match="Delete it") as caught:
        load_npz(str(path), ("x",))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.zeros((3, 2)), np.zeros(2)),
        (np.zeros((3, 3)), np.zeros(3)),
        (np.zeros((3, 2)), np.zeros((3, 1))),
        (np.zeros(()), np.zeros(())),
        (np.zeros((3, 2), "U1"), np.zeros(3)),
    ],
)
def test_arrays_that_do_not_fit_are_an_error_that_names_the_file(x, y):
    good = (np.zeros((3, 2)), np.zeros(3))
    check_pairs("the/file", (2,), good)
    with pytest.raises(ValueError, match=r"the/file .*samples of shape \(2,\)"):
        check_pairs("the/file", (2,), good, (x, y))


def test_a_word_index_is_a_dictionary_of_integers(tmp_path):
    path = tmp_path / "words.json"
    path.write_text('{"the": 1, "d\\u00e9j\\u00e0": 2, "\u00e9t\u00e9": 3}', encoding="utf-8")
    assert load_word_index(str(path)) == {"the": 1, "déjà": 2, "été": 3}
    for contents in ('{"the": 1', "[1]", '{"the": "1"}', '{"the": true}'):
        path.write_text(contents)
        with pytest.raises(ValueError, match=r"words\.json"):
            load_word_index(str(path))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"words\.json"):
        load_word_index(str(path))
