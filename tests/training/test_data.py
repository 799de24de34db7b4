"""EpochIterator on arrays: batches, orders, and errors before anything starts."""

import collections
import itertools

import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from kerasish import backend, config
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.training.data import (
    EpochIterator,
    class_weight_to_sample_weight,
    pack_x_y_sample_weight,
    train_validation_split,
    unpack_x_y_sample_weight,
)


def batches(x, y=None, sample_weight=None, epoch=0, first_step=0, **arguments):
    iterator = EpochIterator(x, y, sample_weight, **arguments)
    return [data for _, data in iterator.epoch(epoch, first_step)]


def seen(iterator, epoch=0, first_step=0):
    return [x.tolist() for _, (x, *_) in iterator.epoch(epoch, first_step)]


def flat(lists):
    return list(itertools.chain.from_iterable(lists))


def test_arrays_come_in_order_with_a_smaller_last_batch():
    found = batches(np.arange(5), np.arange(5) * 10, batch_size=2)
    assert [x.tolist() for x, _ in found] == [[0, 1], [2, 3], [4]]
    assert [y.tolist() for _, y in found] == [[0, 10], [20, 30], [40]]
    assert all(isinstance(leaf, Tensor) for data in found for leaf in data)


def test_the_tuple_has_as_many_members_as_the_data():
    x = np.zeros((3, 2))
    assert len(batches(x)[0]) == 1
    assert len(batches(x, np.zeros(3))[0]) == 2
    assert len(batches(x, np.zeros(3), np.ones(3))[0]) == 3


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [("float64", "float32"), ("float16", "float32"), ("int64", "int64"), ("uint8", "uint8"), ("bool", "bool")],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_floats_take_the_default_type_and_other_types_stay(dtype, expected, shuffle):
    assert batches(np.zeros((4, 2), dtype), shuffle=shuffle)[0][0].dtype == expected


def test_large_arrays_are_converted_batch_by_batch(monkeypatch):
    monkeypatch.setattr("kerasish.training.data.leaves._CONVERTED_AT_ONCE", 0)
    x = np.arange(6.0)
    iterator = EpochIterator(x, batch_size=4, shuffle=True)
    x += 1
    values = flat(seen(iterator))
    assert sorted(values) == [1, 2, 3, 4, 5, 6]
    assert next(iterator.epoch(0))[1][0].dtype == "float32"


def test_unshuffled_batches_are_views_of_the_data():
    if backend.stager() is not None:
        pytest.skip("the data is copied to the device")
    x = np.zeros((4, 2), np.float32)
    assert np.shares_memory(batches(x, batch_size=2)[0][0].array, x)


def test_structures_keep_their_shape_and_their_order_of_keys():
    Pair = collections.namedtuple("Pair", "left right")
    x = {"b": np.arange(3), "a": [np.arange(3) * 2, (np.arange(3) * 3,)]}
    y = Pair(np.arange(3) * 4, None)
    (found, targets), *_ = batches(x, y, batch_size=2)
    assert list(found) == ["b", "a"]
    assert found["b"].tolist() == [0, 1]
    assert found["a"][0].tolist() == [0, 2]
    assert isinstance(found["a"][1], tuple)
    assert found["a"][1][0].tolist() == [0, 3]
    assert isinstance(targets, Pair)
    assert targets.left.tolist() == [0, 4]
    assert targets.right is None


@pytest.mark.parametrize(
    "make",
    [
        lambda values: values,
        lambda values: values.tolist(),
        lambda values: convert_to_tensor(values),
        lambda values: pd.DataFrame(values),
        lambda values: scipy.sparse.csr_matrix(values),
        lambda values: np.asfortranarray(values),
    ],
    ids=["numpy", "list", "tensor", "pandas", "sparse", "fortran"],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_all_kinds_of_arrays_give_the_same_batches(make, shuffle):
    values = np.arange(14.0).reshape(7, 2)
    iterator = EpochIterator(make(values), np.arange(7), batch_size=3, shuffle=shuffle)
    rows = 0
    for _, (x, y) in iterator.epoch(0):
        assert x.dtype == "float32"
        np.testing.assert_array_equal(x.numpy(), values[y.numpy()])
        rows += len(y)
    assert rows == 7


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_files_and_memory_maps_are_read_batch_by_batch(tmp_path, shuffle):
    values = np.arange(20.0).reshape(10, 2)
    mapped = np.memmap(tmp_path / "values", values.dtype, "w+", shape=values.shape)
    mapped[:] = values
    with h5py.File(tmp_path / "values.h5", "w") as file:
        file["x"] = values
        iterator = EpochIterator([file["x"], mapped], np.arange(10), batch_size=4, shuffle=shuffle)
        labels = []
        for _, ((x, m), y) in iterator.epoch(2):
            np.testing.assert_array_equal(x.numpy(), values[y.numpy()])
            np.testing.assert_array_equal(m.numpy(), values[y.numpy()])
            labels += y.tolist()
    assert sorted(labels) == list(range(10))


def test_a_pandas_series_is_a_column():
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "y": [0.5, 1.5]})
    ((x, y),) = batches(frame[["a", "b"]], frame["y"])
    assert x.tolist() == [[1.0, 1.0], [2.0, 0.0]]
    assert y.tolist() == [[0.5], [1.5]]


def test_every_epoch_has_an_order_of_its_own_which_the_seed_repeats():
    first = EpochIterator(np.arange(50), batch_size=8, shuffle=True)
    second = EpochIterator(np.arange(50), batch_size=8, shuffle=True)
    second.shuffle_seed = first.shuffle_seed
    orders = [seen(first, epoch) for epoch in range(3)]
    assert [seen(second, epoch) for epoch in (2, 0, 1)] == [orders[2], orders[0], orders[1]]
    assert orders[0] != orders[1] != orders[2]
    assert all(sorted(flat(order)) == list(range(50)) for order in orders)
    second.shuffle_seed += 1
    assert seen(second) != orders[0]


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_the_first_step_leaves_out_what_was_done(shuffle):
    iterator = EpochIterator(np.arange(50), batch_size=8, shuffle=shuffle)
    assert seen(iterator, 1, first_step=3) == seen(iterator, 1)[3:]
    assert [step for step, _ in iterator.epoch(1, 3)] == [3, 4, 5, 6]


def test_batches_are_shuffled_whole():
    iterator = EpochIterator(np.arange(20), batch_size=4, shuffle="batch")
    iterator.shuffle_seed = 3
    found = seen(iterator)
    assert sorted(found) == [list(range(start, start + 4)) for start in range(0, 20, 4)]
    assert found != sorted(found)


def test_a_pass_is_spread_over_epochs_of_fewer_steps():
    iterator = EpochIterator(np.arange(10), batch_size=2, steps_per_epoch=2, shuffle=True)
    assert iterator.num_batches == 2
    with pytest.warns(UserWarning, match="ran out of data"):
        found = [seen(iterator, epoch) for epoch in range(3)]
    assert [len(epoch) for epoch in found] == [2, 2, 1]
    assert sorted(flat(flat(found))) == list(range(10))


def test_too_many_steps_end_the_epoch_with_a_warning():
    with pytest.warns(UserWarning, match="Your input ran out of data.*Expected 5 batches in this epoch. Received: 2"):
        assert len(batches(np.arange(4), batch_size=2, steps_per_epoch=5)) == 2


def test_the_global_bound_of_steps_holds():
    config.set_max_steps_per_epoch(1)
    try:
        assert len(batches(np.arange(4), batch_size=2)) == 1
    finally:
        config.set_max_steps_per_epoch(None)


def test_peeking_changes_nothing():
    iterator = EpochIterator(np.arange(4), np.arange(4), batch_size=3)
    assert iterator.peek()[0].tolist() == [0, 1, 2]
    assert seen(iterator) == [[0, 1, 2], [3]]


class TestClassWeight:
    def test_becomes_weights_of_the_samples(self):
        found = batches(np.zeros(4), np.array([0, 1, 2, 1]), class_weight={0: 0.5, 1: 2.0, 2: 3.0})
        assert found[0][2].tolist() == [0.5, 2.0, 3.0, 2.0]

    def test_reads_one_hot_rows_and_columns(self):
        weights = {0: 0.5, 1: 2.0}
        assert class_weight_to_sample_weight(np.eye(2), weights).tolist() == [0.5, 2.0]
        assert class_weight_to_sample_weight(np.array([[1.0], [0.0]]), weights).tolist() == [2.0, 0.5]

    def test_leaves_other_classes_at_one(self):
        assert class_weight_to_sample_weight(np.array([0, 5]), {0: 2.0}).tolist() == [2.0, 1.0]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"class_weight": {"a": 1.0}}, "classes \\(ints from 0 on\\)"),
            ({"class_weight": {0: float("nan")}}, "finite numbers"),
            ({"class_weight": [1.0, 2.0]}, "Expected class_weight to be a dict"),
            ({"class_weight": {0: 1.0}, "y": None}, "class_weight needs targets"),
            ({"class_weight": {7: 1.0}, "y": np.eye(3)}, "names the classes \\[7\\], but the targets have 3"),
            ({"class_weight": {0: 1.0}, "sample_weight": np.ones(3)}, "either class_weight or sample_weight"),
            ({"class_weight": {0: 1.0}, "y": [np.zeros(3), np.zeros(3)]}, "models of one output"),
        ],
    )
    def test_explains_what_does_not_fit(self, arguments, message):
        given = {"y": np.zeros(3), **arguments}
        with pytest.raises(ValueError, match=message):
            EpochIterator(np.zeros(3), **given)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": None}, "Received: x=None"),
        ({"x": 3}, "Expected x to be an array"),
        ({"x": "data.csv"}, "Expected x to be an array"),
        ({"x": np.float32(1.0)}, "Expected x to be an array"),
        ({"x": np.array(1.0)}, "first dimension counts the samples"),
        ({"x": np.array(["a", "b"])}, "x to hold numbers, but it holds strings"),
        ({"x": {"k": np.array([None, {}])}}, r"x\['k'\] to hold numbers, but it holds Python objects"),
        ({"x": np.array(["2020-01-01"], "M8[D]")}, "it holds dates"),
        ({"x": [[1, 2], [3]]}, "rows of one length"),
        ({"x": pd.DataFrame({"a": [1], "name": ["x"]})}, r"not: \['name'\]"),
        ({"x": np.zeros((0, 3))}, "at least one sample. Received: x of shape \\(0, 3\\)"),
        ({"x": []}, "at least one array"),
        ({"x": np.zeros(3), "y": np.zeros(4)}, "(?s)cardinality is ambiguous.*'x' sizes: 3\n'y' sizes: 4"),
        ({"x": [np.zeros(3), np.zeros(2)]}, "'x' sizes: 3, 2"),
        ({"x": np.zeros(3), "batch_size": 0}, "batch_size to be a positive int. Received: batch_size=0"),
        ({"x": np.zeros(3), "batch_size": 2.5}, "batch_size=2.5"),
        ({"x": np.zeros(3), "batch_size": True}, "batch_size=True"),
        ({"x": np.zeros(3), "steps_per_epoch": 0}, "steps_per_epoch to be a positive int"),
        ({"x": np.zeros(3), "shuffle": "yes"}, "shuffle to be True, False or 'batch'"),
        ({"x": np.zeros(3), "y": (v for v in [1])}, "Expected y to be an array like x"),
        ({"x": (v for v in [1]), "y": np.zeros(3)}, "expected y=None"),
        ({"x": np.zeros((3, 2)), "y": np.zeros((3, 1)), "sample_weight": np.ones((3, 5))}, "one weight a sample"),
        ({"x": np.zeros(2), "y": np.zeros(2), "sample_weight": np.array([1, np.nan])}, "1 NaN in sample_weight"),
    ],
)
def test_data_that_cannot_be_trained_on_is_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        EpochIterator(arguments.pop("x"), **arguments)


class Owner:
    def __init__(self, loss):
        self.loss = loss


@pytest.mark.parametrize(
    "y", [np.array([[0.0, 1.0], [np.nan, np.nan]]), np.array([[np.inf, -np.inf], [np.nan, np.nan]])]
)
def test_missing_targets_are_counted_and_located(y):
    with pytest.raises(ValueError, match=r"2 NaN in y of shape \(2, 2\), the first at \(1, 0\)"):
        EpochIterator(np.zeros(2), y, owner=Owner("mse"))
    with pytest.raises(ValueError, match=r"y\['out'\] holds NaN"):
        EpochIterator(np.zeros(2), {"out": y})


def test_infinite_targets_of_both_signs_are_no_missing_ones():
    EpochIterator(np.zeros(2), np.array([np.inf, -np.inf]))


def test_a_loss_of_the_users_own_may_leave_missing_targets_out():
    EpochIterator(np.zeros(1), np.array([np.nan]), owner=Owner(lambda y_true, y_pred: y_pred))


class TestSplit:
    def test_keeps_the_last_samples_without_copies(self):
        x = np.arange(10, dtype=np.float32)
        (x1, y1, _), (x2, y2, w2) = train_validation_split((x, list(range(10)), None), 0.25)
        assert batches(x1, y1)[0][0].tolist() == list(range(7))
        assert batches(x2, y2)[0][1].tolist() == [7, 8, 9]
        assert w2 is None
        assert np.shares_memory(x2.values, x)

    def test_splits_files_without_reading_them(self, tmp_path):
        with h5py.File(tmp_path / "data.h5", "w") as file:
            file["x"] = np.arange(10)
            (train, _, _), (validation, _, _) = train_validation_split((file["x"], None, None), 0.3)
            assert batches(train)[0][0].tolist() == list(range(7))
            assert batches(validation, shuffle=True)[0][0].shape == (3,)
            assert sorted(batches(validation, shuffle=True)[0][0].tolist()) == [7, 8, 9]

    @pytest.mark.parametrize("share", [0, 1, 1.5, -0.1, "half", True])
    def test_takes_shares_between_zero_and_one(self, share):
        with pytest.raises(ValueError, match=r"between 0 and 1\. Received: validation_split"):
            train_validation_split((np.zeros(4), None, None), share)

    @pytest.mark.parametrize(
        ("x", "share", "message"),
        [
            (np.zeros(1), 0.5, "one part would be empty"),
            ((v for v in [1]), 0.5, "validation_split is for arrays"),
            ([np.zeros(4), np.zeros(3)], 0.5, "cardinality is ambiguous"),
        ],
    )
    def test_explains_what_cannot_be_split(self, x, share, message):
        with pytest.raises(ValueError, match=message):
            train_validation_split((x, None, None), share)


def test_data_is_packed_and_unpacked_as_keras_does():
    assert pack_x_y_sample_weight(1) == 1
    assert pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    assert pack_x_y_sample_weight(1, 2) == (1, 2)
    assert pack_x_y_sample_weight(1, 2, 3) == (1, 2, 3)
    assert unpack_x_y_sample_weight(1) == (1, None, None)
    assert unpack_x_y_sample_weight([1]) == (1, None, None)
    assert unpack_x_y_sample_weight((1, 2)) == (1, 2, None)
    assert unpack_x_y_sample_weight((1, 2, 3)) == (1, 2, 3)
    with pytest.raises(ValueError, match="a tuple of 4 members"):
        unpack_x_y_sample_weight((1, 2, 3, 4))
