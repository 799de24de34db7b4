import numpy as np
import pytest

from kerasish import random as public
from kerasish.autodiff import GradientTape, KerasTensor, abstract_mode, convert_to_tensor
from kerasish.ops import random, seeds
from tests.support import check_gradients

FLOAT_DRAWS = {
    "normal": lambda **kw: random.normal((500,), **kw),
    "truncated_normal": lambda **kw: random.truncated_normal((500,), **kw),
    "uniform": lambda **kw: random.uniform((500,), **kw),
    "gamma": lambda **kw: random.gamma((500,), 2.0, **kw),
    "beta": lambda **kw: random.beta((500,), 2.0, 3.0, **kw),
    "binomial": lambda **kw: random.binomial((500,), 10, 0.5, **kw),
}
DRAWS = {
    **FLOAT_DRAWS,
    "randint": lambda **kw: random.randint((500,), 0, 1000, **kw),
    "categorical": lambda **kw: random.categorical(np.zeros((2, 9)), 200, **kw),
    "shuffle": lambda **kw: random.shuffle(np.arange(500), **kw),
    "dropout": lambda **kw: random.dropout(np.ones(500), 0.5, **kw),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_seed_fixes_the_numbers_and_a_generator_moves_on(name):
    draw = DRAWS[name]
    first = draw(seed=3).tolist()
    assert draw(seed=3).tolist() == first
    assert draw(seed=4).tolist() != first
    generator = seeds.SeedGenerator(3)
    assert draw(seed=generator).tolist() == first
    second = draw(seed=generator).tolist()
    assert second != first
    assert generator.state.tolist() == [3, 2]
    assert draw(seed=np.array([3, 1])).tolist() == second
    assert draw().tolist() != draw().tolist()


@pytest.mark.parametrize("name", DRAWS)
def test_restoring_the_state_resumes_the_sequence(name):
    generator = seeds.SeedGenerator(8)
    DRAWS[name](seed=generator)
    saved = generator.state.numpy()
    expected = DRAWS[name](seed=generator).tolist()
    other = seeds.SeedGenerator(1)
    other.state.assign(saved)
    assert DRAWS[name](seed=other).tolist() == expected


@pytest.mark.parametrize("name", FLOAT_DRAWS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_come_in_the_dtype_that_is_asked_for(name, dtype):
    assert FLOAT_DRAWS[name](dtype=dtype, seed=1).dtype == dtype
    assert FLOAT_DRAWS[name](seed=1).dtype == "float32"
    with pytest.raises(ValueError, match="Received: dtype='int32'"):
        FLOAT_DRAWS[name](dtype="int32", seed=1)


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"),
    [
        (lambda n: random.normal(n, 2.0, 3.0, seed=1), 2, 3),
        (lambda n: random.truncated_normal(n, 2.0, 3.0, seed=1), 2, 3 * 0.8796),
        (lambda n: random.uniform(n, -1.0, 3.0, seed=1), 1, 4 / 12**0.5),
        (lambda n: random.randint(n, -2, 3, seed=1), 0, 2**0.5),
        (lambda n: random.gamma(n, 4.0, seed=1), 4, 2),
        (lambda n: random.beta(n, 2.0, 2.0, seed=1), 0.5, 0.05**0.5),
        (lambda n: random.binomial(n, 10, 0.5, seed=1), 5, 2.5**0.5),
    ],
)
def test_distributions_have_their_mean_and_deviation(draw, mean, deviation):
    values = draw((40000,)).numpy().astype(float)
    assert abs(values.mean() - mean) < 5 * deviation / 200
    assert abs(values.std() / deviation - 1) < 0.03


def test_bounds_are_kept():
    numbers = random.randint((2000,), -3, 4, dtype="int64", seed=1)
    assert numbers.dtype == "int64"
    assert set(numbers.tolist()) == set(range(-3, 4))
    assert abs(random.truncated_normal((5000,), 1.0, 2.0, seed=1).numpy() - 1).max() <= 4
    values = random.uniform((5000,), 2.0, 3.0, seed=1).numpy()
    assert values.min() >= 2
    assert values.max() <= 3


def test_categories_come_with_their_probabilities():
    probabilities = np.array([[0.1, 0.6, 0.3], [0.0, 0.5, 0.5]])
    with np.errstate(divide="ignore"):
        drawn = random.categorical(np.log(probabilities), 20000, seed=2)
    assert (drawn.shape, drawn.dtype) == ((2, 20000), "int32")
    shares = np.stack([np.bincount(row, minlength=3) for row in drawn.numpy()]) / 20000
    np.testing.assert_allclose(shares, probabilities, atol=0.02)
    with pytest.raises(ValueError, match=r"Received: logits\.shape"):
        random.categorical([0.0], 1)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_shuffle_moves_whole_slices(axis):
    x = np.arange(40).reshape(4, 10)
    y = random.shuffle(x, axis=axis, seed=5).numpy()
    assert not np.array_equal(x, y)
    moved = np.moveaxis(y, axis, 0).tolist()
    assert sorted(moved) == np.moveaxis(x, axis, 0).tolist()


def test_dropout_zeroes_a_part_and_keeps_the_mean():
    y = random.dropout(np.ones((100, 100)), 0.25, seed=1).numpy()
    assert set(np.unique(y)) == {0, 1 / 0.75}
    assert abs(y.mean() - 1) < 0.03
    assert random.dropout([1.0, 2.0], 0, seed=1).tolist() == [1, 2]
    assert random.dropout([1.0, 2.0], 1, seed=1).tolist() == [0, 0]


def test_a_noise_shape_shares_the_mask():
    y = random.dropout(np.ones((8, 50)), 0.5, noise_shape=(1, None), seed=1).numpy()
    assert (y == y[0]).all()
    assert 0 < (y[0] == 0).sum() < 50
    with pytest.raises(ValueError, match="noise_shape"):
        random.dropout(np.ones((8, 50)), 0.5, noise_shape=(3, 50))
    with pytest.raises(ValueError, match=r"Received: rate=1\.5"):
        random.dropout(np.ones(3), 1.5)


def test_the_gradient_of_dropout_has_the_mask_of_its_forward_pass():
    x = convert_to_tensor(np.ones((6, 7)))
    generator = seeds.SeedGenerator(2)
    with GradientTape() as tape:
        tape.watch(x)
        y = random.dropout(x, 0.5, seed=generator)
    random.dropout(x, 0.5, seed=generator)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), y.numpy())
    check_gradients(lambda a: random.dropout(a, 0.4, seed=3), [np.linspace(-1, 1, 8)])


def test_an_abstract_run_does_not_move_the_counter():
    generator = seeds.SeedGenerator(1)
    x = KerasTensor((None, 3))
    assert random.dropout(x, 0.5, seed=generator).shape == (None, 3)
    with abstract_mode():
        assert random.gamma((2,), 1.0, seed=generator).shape == (2,)
        assert random.normal((2, 5), seed=generator).shape == (2, 5)
    assert generator.state.tolist() == [1, 0]


def test_the_public_module_has_the_names_of_keras():
    assert public.normal is random.normal
    assert set(public.__all__) <= {*vars(random), *vars(seeds)}
