import gzip
import io
import pickle
import struct
import tarfile

import numpy as np
import pytest

from kerasish import config
from kerasish.datasets import cifar10, cifar100, digits, fashion_mnist, mnist

RNG = np.random.default_rng(0)


class Python2Pickler(pickle._Pickler):
    """Writes byte strings, and the names of NumPy, as the Python 2 that wrote the CIFAR files did."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        self.write(b"T" + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    def save_str(self, value):
        self.save_bytes(value.encode("ascii"))

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str


def python2_pickle(value):
    stream = io.BytesIO()
    Python2Pickler(stream, protocol=2).dump(value)
    return stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write_archive(path, folder, batches):
    with tarfile.open(path, "w:gz") as tar:
        for name, batch in batches.items():
            contents = batch if isinstance(batch, bytes) else python2_pickle(batch)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(contents)
            tar.addfile(info, io.BytesIO(contents))


def images(count):
    return RNG.integers(0, 256, (count, 3072), dtype=np.uint8)


@pytest.fixture
def cifar10_batches():
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return {name: {b"data": images(2), b"labels": [index, 9 - index]} for index, name in enumerate(names)}


def test_mnist_is_read_from_a_file_in_the_cache(cache):
    arrays = {
        "x_train": RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "y_train": np.arange(5, dtype=np.uint8),
        "x_test": RNG.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "y_test": np.arange(2, dtype=np.uint8),
    }
    np.savez_compressed(cache / "mnist.npz", **arrays)
    np.savez_compressed(cache / "other.npz", **{**arrays, "y_test": arrays["y_test"] + 1})
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for name, found in {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}.items():
        np.testing.assert_array_equal(found, arrays[name], strict=True)
    assert mnist.load_data("other.npz")[1][1].tolist() == [1, 2]


def test_mnist_in_another_shape_is_an_error(cache):
    np.savez(cache / "mnist.npz", x_train=np.zeros((2, 784)), y_train=[0, 1], x_test=[1], y_test=[1])
    with pytest.raises(ValueError, match=r"mnist\.npz.*samples of shape \(28, 28\)"):
        mnist.load_data()


def write_idx(path, array, magic=None, shape=None):
    shape = shape or array.shape
    header = struct.pack(f">{1 + len(shape)}I", magic or 2048 + array.ndim, *shape)
    path.write_bytes(gzip.compress(header + array.tobytes()))


@pytest.fixture
def fashion(cache):
    folder = cache / "fashion-mnist"
    folder.mkdir()
    arrays = {}
    for name, count in (("train", 4), ("t10k", 3)):
        arrays[name] = (
            RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            RNG.integers(0, 10, count, dtype=np.uint8),
        )
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", arrays[name][0])
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", arrays[name][1])
    return folder, arrays


def test_fashion_mnist_is_read_from_files_in_the_cache(fashion):
    _, arrays = fashion
    for found, name in zip(fashion_mnist.load_data(), ("train", "t10k")):
        for part, expected in zip(found, arrays[name]):
            np.testing.assert_array_equal(part, expected, strict=True)
            assert part.flags.writeable


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"magic": 2050}, "begins with the number 2050"),
        ({"shape": (5, 28, 28)}, "announces 3920 bytes"),
        ({"shape": (3, 28, 28)}, "announces 2352 bytes"),
        ({"shape": (4, 14, 56)}, "samples of shape"),
        ({"shape": (2**32 - 1, 2**32 - 1, 2**32 - 1)}, ""),
    ],
)
def test_fashion_mnist_images_that_do_not_fit_their_header_are_an_error(fashion, kwargs, message):
    folder, arrays = fashion
    write_idx(folder / "train-images-idx3-ubyte.gz", arrays["train"][0], **kwargs)
    with pytest.raises(ValueError, match=f"train-images-idx3-ubyte.gz.*{message}"):
        fashion_mnist.load_data()


@pytest.mark.parametrize("size", [0, 5, 30])
def test_a_truncated_fashion_mnist_file_is_an_error(fashion, size):
    path = fashion[0] / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte\.gz"):
        fashion_mnist.load_data()


def test_cifar10_is_read_from_an_archive_in_the_cache(cache, cifar10_batches):
    write_archive(cache / "cifar-10-batches-py-target_archive", "cifar-10-batches-py", cifar10_batches)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (x_train.shape, x_test.shape) == ((10, 32, 32, 3), (2, 32, 32, 3))
    assert {part.dtype for part in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert y_train.tolist() == [[label] for index in range(5) for label in (index, 9 - index)]
    assert y_test.tolist() == [[5], [4]]
    planes = cifar10_batches["data_batch_2"][b"data"].reshape(2, 3, 32, 32)
    np.testing.assert_array_equal(x_train[3, 5, 7], planes[1, :, 5, 7])
    np.testing.assert_array_equal(x_train[2:4].transpose(0, 3, 1, 2), planes)


def test_cifar10_follows_the_image_data_format(cache, cifar10_batches):
    write_archive(cache / "cifar-10-batches-py-target_archive", "cifar-10-batches-py", cifar10_batches)
    (last, _), _ = cifar10.load_data()
    config.set_image_data_format("channels_first")
    try:
        (first, _), _ = cifar10.load_data()
    finally:
        config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2), strict=True)


def test_cifar100_has_fine_and_coarse_labels(cache):
    batches = {
        name: {b"data": images(2), b"fine_labels": [99, 3], b"coarse_labels": [19, index]}
        for index, name in enumerate(("train", "test"))
    }
    write_archive(cache / "cifar-100-python-target_archive", "cifar-100-python", batches)
    (x_train, y_train), (x_test, y_test) = cifar100.load_data()
    assert (x_train.shape, x_test.shape) == ((2, 32, 32, 3), (2, 32, 32, 3))
    assert (y_train.tolist(), y_test.tolist()) == ([[99], [3]], [[99], [3]])
    assert y_train.dtype == np.int64
    (_, y_train), (_, y_test) = cifar100.load_data("coarse")
    assert (y_train.tolist(), y_test.tolist()) == ([[19], [0]], [[19], [1]])
    with pytest.raises(ValueError, match=r"'fine' or 'coarse'.*Received: label_mode='medium'"):
        cifar100.load_data("medium")


@pytest.mark.parametrize(
    "batch",
    [
        {b"data": images(2)[:, :-1], b"labels": [0, 1]},
        {b"data": images(2).astype("int32"), b"labels": [0, 1]},
        {b"data": images(2), b"labels": [0]},
        {b"data": images(2), b"labels": [0, -1]},
        {b"data": images(2), b"labels": [b"a", b"b"]},
        {b"labels": [0, 1]},
        {b"data": images(2)},
        [1, 2],
        b"cos\nsystem\n(S'true'\ntR.",
        b"no pickle",
    ],
)
def test_a_spoiled_cifar10_batch_is_an_error_that_names_it(cache, cifar10_batches, batch):
    cifar10_batches["data_batch_3"] = batch
    write_archive(cache / "cifar-10-batches-py-target_archive", "cifar-10-batches-py", cifar10_batches)
    with pytest.raises(ValueError, match="data_batch_3"):
        cifar10.load_data()


def test_a_cifar10_batch_that_the_archive_lacks_is_named(cache, cifar10_batches):
    del cifar10_batches["test_batch"]
    write_archive(cache / "cifar-10-batches-py-target_archive", "cifar-10-batches-py", cifar10_batches)
    with pytest.raises(ValueError, match="test_batch"):
        cifar10.load_data()


def test_digits_need_no_download_and_have_a_fixed_split(cache):
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8), (360,))
    assert {part.dtype for part in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert (x_train.min(), x_train.max()) == (0, 16)
    assert y_train[:5].tolist() == digits.load_data()[0][1][:5].tolist()


def test_each_digit_has_its_share_in_both_parts_in_no_order():
    (_, y_train), (_, y_test) = digits.load_data()
    train, test = np.bincount(y_train, minlength=10), np.bincount(y_test, minlength=10)
    assert np.abs(test - (train + test) * 360 / 1797).max() < 1
    assert (np.diff(y_train.astype(int)) < 0).mean() > 0.3
    assert (np.diff(y_test.astype(int)) < 0).mean() > 0.3


def test_digits_are_those_of_the_repository():
    datasets = pytest.importorskip("sklearn.datasets")
    original = datasets.load_digits()
    (x_train, y_train), (x_test, y_test) = digits.load_data()

    def rows(x, y):
        return sorted(map(tuple, np.column_stack([x.reshape(len(x), -1), y]).astype(int).tolist()))

    found = rows(np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test]))
    assert found == rows(original.images, original.target)


def test_nearest_neighbours_recognize_the_digits():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    train, test = (x.reshape(len(x), -1).astype(float) for x in (x_train, x_test))
    distance = (train**2).sum(1) - 2 * test @ train.T
    assert (y_train[distance.argmin(1)] == y_test).mean() > 0.97
