import numpy as np
import pytest

from kerasish.datasets import boston_housing, california_housing

MODULES = [(boston_housing, "boston_housing.npz", 13), (california_housing, "california_housing.npz", 8)]


def write(path, count, features):
    x = np.arange(count * features, dtype="float64").reshape(count, features)
    np.savez(path, x=x, y=x[:, 0] * 2)
    return x


@pytest.mark.parametrize(("module", "name", "features"), MODULES)
def test_samples_are_shuffled_by_the_seed_and_split(cache, module, name, features):
    x = write(cache / name, 25, features)
    order = np.arange(25)
    np.random.RandomState(113).shuffle(order)
    (x_train, y_train), (x_test, y_test) = module.load_data()
    np.testing.assert_array_equal(x_train, x[order[:20]], strict=True)
    np.testing.assert_array_equal(x_test, x[order[20:]], strict=True)
    np.testing.assert_array_equal(y_train, x_train[:, 0] * 2)
    np.testing.assert_array_equal(y_test, x_test[:, 0] * 2)
    assert not np.array_equal(module.load_data(seed=1)[0][0], x_train)


@pytest.mark.parametrize(("module", "name", "features"), MODULES)
def test_the_share_of_test_samples_is_rounded_up(cache, module, name, features):
    write(cache / name, 11, features)
    for test_split, count in ((0, 0), (0.2, 3), (0.5, 6), (0.99, 11)):
        assert len(module.load_data(test_split=test_split)[1][0]) == count


@pytest.mark.parametrize(("module", "name", "features"), MODULES)
def test_a_wrong_share_or_a_wrong_file_is_an_error(cache, module, name, features):
    with pytest.raises(ValueError, match="Received: test_split=1"):
        module.load_data(test_split=1)
    write(cache / name, 5, features + 1)
    with pytest.raises(ValueError, match=f"{name}.*samples of shape"):
        module.load_data()


def test_the_small_version_has_the_first_600_samples(cache):
    x = write(cache / "california_housing.npz", 700, 8)
    (x_train, _), (x_test, y_test) = california_housing.load_data(version="small")
    assert (x_train.shape, x_test.shape, y_test.shape) == ((480, 8), (120, 8), (120,))
    found = np.concatenate([x_train, x_test])
    np.testing.assert_array_equal(found[found[:, 0].argsort()], x[:600])
    assert len(california_housing.load_data()[0][0]) == 560
    with pytest.raises(ValueError, match="Received: version='medium'"):
        california_housing.load_data(version="medium")
