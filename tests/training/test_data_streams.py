"""EpochIterator on generators, PyDatasets and other iterables."""

import threading

import numpy as np
import pytest

from kerasish.training.data import EpochIterator, PyDataset, Sequence


def numbers(count):
    for i in range(count):
        yield np.array([[float(i)]]), np.array([[i]])


def seen(iterator, epoch=0, first_step=0):
    return [int(data[0].numpy().ravel()[0]) for _, data in iterator.epoch(epoch, first_step)]


class Squares(PyDataset):
    def __init__(self, length=6, **kwargs):
        super().__init__(**kwargs)
        self.length = length
        self.calls = []
        self.threads = set()

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        self.threads.add(threading.current_thread().name)
        return np.array([[index]]), np.array([[index**2]])

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def test_a_generator_goes_on_from_epoch_to_epoch():
    iterator = EpochIterator(numbers(6), steps_per_epoch=2)
    assert iterator.num_batches == 2
    assert [seen(iterator, epoch) for epoch in range(3)] == [[0, 1], [2, 3], [4, 5]]


def test_a_generator_without_steps_makes_one_epoch():
    iterator = EpochIterator(numbers(3))
    assert iterator.num_batches is None
    assert seen(iterator) == [0, 1, 2]
    with pytest.warns(UserWarning, match="ran out of data"):
        assert iterator.exhausted()
    assert "ended after 3 batches" in iterator.describe()


def test_a_generator_that_ends_early_warns_and_ends_the_epoch():
    iterator = EpochIterator(numbers(3), steps_per_epoch=5)
    with pytest.warns(UserWarning, match="Expected 5 batches in this epoch. Received: 3"):
        assert seen(iterator) == [0, 1, 2]


def test_looking_ahead_takes_no_batch_away():
    iterator = EpochIterator(numbers(4), steps_per_epoch=2)
    assert iterator.peek()[0].tolist() == [[0.0]]
    assert seen(iterator) == [0, 1]
    assert not iterator.exhausted()
    assert seen(iterator, 1) == [2, 3]


def test_a_resumed_generator_leaves_out_what_the_killed_run_took():
    killed = EpochIterator(numbers(9), steps_per_epoch=3)
    seen(killed, 0)
    epoch = killed.epoch(1)
    next(epoch)
    resumed = EpochIterator(numbers(9), steps_per_epoch=3)
    resumed.peek()
    resumed.set_state(killed.get_state())
    assert seen(resumed, 1, first_step=1) == [4, 5]
    assert seen(resumed, 2) == [6, 7, 8]


def test_what_can_be_iterated_over_again_begins_anew_each_epoch():
    class Loader:
        def __iter__(self):
            return numbers(3)

        def __len__(self):
            return 3

    iterator = EpochIterator(Loader())
    assert iterator.num_batches == 3
    assert iterator.peek()[0].tolist() == [[0.0]]
    assert [seen(iterator, epoch) for epoch in range(2)] == [[0, 1, 2], [0, 1, 2]]
    assert seen(iterator, 2, first_step=1) == [1, 2]


def test_what_can_be_iterated_over_again_is_spread_over_epochs_of_fewer_steps():
    class Loader:
        def __iter__(self):
            return numbers(4)

        def __len__(self):
            return 4

    iterator = EpochIterator(Loader(), steps_per_epoch=2)
    assert [seen(iterator, epoch) for epoch in range(3)] == [[0, 1], [2, 3], [0, 1]]


@pytest.mark.parametrize(
    ("batch", "members"),
    [
        (np.zeros((2, 1)), 1),
        ({"a": np.zeros((2, 1))}, 1),
        ((np.zeros((2, 1)),), 1),
        ([np.zeros((2, 1)), np.zeros(2)], 2),
        ((np.zeros((2, 1)), [0.0, 1.0], np.ones(2)), 3),
        (([np.zeros((2, 1)), np.zeros((2, 1))], np.zeros(2)), 2),
    ],
)
def test_generators_give_x_or_pairs_or_triples(batch, members):
    ((_, data),) = EpochIterator(iter([batch])).epoch(0)
    assert isinstance(data, tuple)
    assert len(data) == members


def test_class_weights_apply_to_the_targets_of_a_generator():
    iterator = EpochIterator(numbers(2), class_weight={0: 0.5, 1: 2.0})
    assert [data[2].tolist() for _, data in iterator.epoch(0)] == [[0.5], [2.0]]


@pytest.mark.parametrize(
    ("batch", "arguments", "message"),
    [
        ((1, 2, 3, 4), {}, "the list_iterator: Expected data to be x"),
        (np.zeros(2), {"class_weight": {0: 1.0}}, "to give \\(x, y\\). Received: x alone"),
        ((np.zeros(2), np.zeros(2), np.ones(2)), {"class_weight": {0: 1.0}}, "gives sample weights already"),
        (np.array(["a"]), {}, "x to hold numbers, but it holds strings"),
        (None, {}, "Received: x=None"),
    ],
)
def test_batches_that_cannot_be_used_are_explained(batch, arguments, message):
    with pytest.raises(ValueError, match=message):
        list(EpochIterator(iter([batch]), **arguments).epoch(0))


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_a_dataset_gives_its_batches_in_order(workers):
    dataset = Squares(20, workers=workers, max_queue_size=4)
    iterator = EpochIterator(dataset)
    assert iterator.num_batches == 20
    assert seen(iterator) == list(range(20))
    assert dataset.calls == ["begin", "end"]
    assert (dataset.threads == {"MainThread"}) == (workers < 2)


def test_threads_end_with_an_epoch_that_is_left():
    iterator = EpochIterator(Squares(20, workers=2))
    epoch = iterator.epoch(0)
    next(epoch)
    epoch.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kerasish-data")]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_dataset_comes_where_its_batch_would(workers):
    class Broken(Squares):
        def __getitem__(self, index):
            if index == 2:
                raise KeyError("lost")
            return super().__getitem__(index)

    epoch = EpochIterator(Broken(workers=workers)).epoch(0)
    next(epoch), next(epoch)
    with pytest.raises(KeyError, match="lost"):
        next(epoch)


def test_the_batches_of_a_dataset_are_shuffled_and_resumed():
    iterator = EpochIterator(Squares(12), shuffle=True)
    iterator.shuffle_seed = 1
    order = seen(iterator, 3)
    assert sorted(order) == list(range(12)) != order
    assert seen(iterator, 3, first_step=5) == order[5:]
    assert seen(iterator, 4) != order


def test_a_dataset_without_end_needs_steps():
    class Endless(Squares):
        num_batches = None

    with pytest.raises(ValueError, match=r"has no end.*Received: steps_per_epoch=None"):
        EpochIterator(Endless())
    iterator = EpochIterator(Endless(), steps_per_epoch=3)
    assert [seen(iterator, epoch) for epoch in range(2)] == [[0, 1, 2], [3, 4, 5]]


def test_a_dataset_needs_a_length_and_batches():
    class Nothing(PyDataset):
        pass

    with pytest.raises(NotImplementedError, match="must write `__len__"):
        EpochIterator(Nothing())
    with pytest.raises(NotImplementedError, match="must write `__getitem__"):
        Nothing()[0]
    with pytest.raises(ValueError, match="at least one batch"):
        EpochIterator(Squares(0))


@pytest.mark.parametrize(("name", "value"), [("workers", -1), ("workers", 1.5), ("max_queue_size", 0)])
def test_settings_of_a_dataset_are_checked(name, value):
    with pytest.raises(ValueError, match=f"Received: {name}="):
        Squares(**{name: value})


def test_a_dataset_that_forgets_its_base_still_works():
    class Old(Sequence):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.array([index])

    assert seen(EpochIterator(Old())) == [0, 1]
