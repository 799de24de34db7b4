"""Initializers: values, seeds, configs, names, errors."""

import math

import numpy as np
import pytest

from kerasish import initializers, ops, random
from kerasish.autodiff import Variable
from kerasish.initializers.random import RandomInitializer
from kerasish.initializers.variance_scaling import compute_fans
from kerasish.ops.seeds import set_global_seed
from kerasish.random import SeedGenerator

ONE_OF_EACH = [
    initializers.Zeros(),
    initializers.Ones(),
    initializers.Constant(2.5),
    initializers.Identity(3.0),
    initializers.RandomNormal(1.0, 2.0, seed=3),
    initializers.RandomUniform(-1.0, 2.0, seed=3),
    initializers.TruncatedNormal(1.0, 2.0, seed=3),
    initializers.VarianceScaling(2.0, "fan_out", "uniform", seed=3),
    initializers.GlorotUniform(3),
    initializers.GlorotNormal(3),
    initializers.HeUniform(3),
    initializers.HeNormal(3),
    initializers.LecunUniform(3),
    initializers.LecunNormal(3),
    initializers.Orthogonal(0.5, seed=3),
]
RANDOM = [init for init in ONE_OF_EACH if isinstance(init, RandomInitializer)]


def named(init):
    return type(init).__name__


@pytest.mark.parametrize("init", ONE_OF_EACH, ids=named)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_shape_and_dtype_are_those_asked_for(init, dtype):
    values = init((4, 3), dtype=dtype)
    assert values.shape == (4, 3)
    assert values.dtype == dtype
    assert init((4, 3)).dtype == "float32"


@pytest.mark.parametrize("init", ONE_OF_EACH, ids=named)
def test_a_config_makes_an_initializer_that_gives_the_same_numbers(init):
    entry = initializers.serialize(init)
    assert entry["module"] == "keras.initializers"
    again = initializers.deserialize(entry)
    assert type(again) is type(init)
    assert again.get_config() == init.get_config()
    np.testing.assert_array_equal(again((4, 3)).numpy(), init((4, 3)).numpy())
    np.testing.assert_array_equal(init.clone()((4, 3)).numpy(), init((4, 3)).numpy())


@pytest.mark.parametrize("init", RANDOM, ids=named)
def test_an_integer_seed_gives_the_same_numbers_on_every_call(init):
    np.testing.assert_array_equal(init((4, 3)).numpy(), init((4, 3)).numpy())


def test_no_seed_means_other_numbers_for_each_initializer():
    a, b = initializers.GlorotUniform(), initializers.GlorotUniform()
    assert a.get_config()["seed"] is None
    assert not np.array_equal(a((4, 3)).numpy(), b((4, 3)).numpy())
    np.testing.assert_array_equal(a((4, 3)).numpy(), a((4, 3)).numpy())


def test_the_global_seed_makes_initializers_without_a_seed_repeatable():
    set_global_seed(5)
    first = initializers.get("he_normal")((4, 3)).numpy()
    set_global_seed(5)
    np.testing.assert_array_equal(first, initializers.get("he_normal")((4, 3)).numpy())


def test_a_seed_generator_gives_new_numbers_on_each_call_and_is_serialized():
    init = initializers.RandomNormal(seed=SeedGenerator(7))
    first = init((5,)).numpy()
    assert not np.array_equal(first, init((5,)).numpy())
    assert init.get_config()["seed"]["class_name"] == "SeedGenerator"


@pytest.mark.parametrize("seed", ["1", 1.5, True, object()])
def test_another_seed_is_refused(seed):
    with pytest.raises(ValueError, match=r"RandomNormal: expected seed .* Received: seed="):
        initializers.RandomNormal(seed=seed)


@pytest.mark.parametrize(
    ("init", "variance", "bound"),
    [
        (initializers.GlorotUniform(1), 2 / 700, math.sqrt(6 / 700)),
        (initializers.HeUniform(1), 2 / 300, math.sqrt(6 / 300)),
        (initializers.LecunUniform(1), 1 / 300, math.sqrt(3 / 300)),
        (initializers.GlorotNormal(1), 2 / 700, 2 * math.sqrt(2 / 700) / 0.8796),
        (initializers.HeNormal(1), 2 / 300, 2 * math.sqrt(2 / 300) / 0.8796),
        (initializers.LecunNormal(1), 1 / 300, 2 * math.sqrt(1 / 300) / 0.8796),
        (initializers.VarianceScaling(3.0, "fan_out", "untruncated_normal", seed=1), 3 / 400, 1.0),
        (initializers.VarianceScaling(3.0, "fan_out", "normal", seed=1), 3 / 400, 2 * math.sqrt(3 / 400) / 0.8796),
        (initializers.RandomNormal(0.0, 0.3, seed=1), 0.09, 3.0),
        (initializers.RandomUniform(-0.3, 0.3, seed=1), 0.03, 0.3),
    ],
    ids=lambda value: named(value) if not isinstance(value, float) else "",
)
def test_the_variance_and_the_bounds_are_those_of_the_formula(init, variance, bound):
    values = init((300, 400)).numpy()
    assert values.mean() == pytest.approx(0.0, abs=4 * math.sqrt(variance / values.size))
    assert values.var() == pytest.approx(variance, rel=0.02)
    assert abs(values).max() <= bound * 1.001


def test_the_axes_of_the_fans_can_be_given():
    init = initializers.VarianceScaling(1.0, "fan_in", "uniform", seed=1, input_axes=[1], output_axes=[0])
    assert compute_fans((7, 5, 2), [1], [0, 2]) == (5, 14)
    values = init((300, 100)).numpy()
    assert values.var() == pytest.approx(1 / 100, rel=0.05)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3, 4)])
def test_orthogonal_vectors_are_orthonormal(shape):
    values = initializers.Orthogonal(gain=2.0, seed=1)(shape).numpy().reshape(-1, shape[-1]) / 2.0
    gram = values.T @ values if values.shape[0] >= values.shape[1] else values @ values.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


def test_shapes_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"at least two dimensions. Received: shape=\(3,\)"):
        initializers.Orthogonal()((3,))
    with pytest.raises(ValueError, match="Identity initializes matrices"):
        initializers.Identity()((3, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "scale must be positive"),
        ({"mode": "fan"}, "mode must be one of"),
        ({"distribution": "cauchy"}, "distribution must be one of"),
    ],
)
def test_variance_scaling_refuses_other_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("glorot_uniform", "GlorotUniform"),
        ("GlorotUniform", "GlorotUniform"),
        ("he_normal", "HeNormal"),
        ("zeros", "Zeros"),
        ("zero", "Zeros"),
        ("ones", "Ones"),
        ("one", "Ones"),
        ("normal", "RandomNormal"),
        ("random_normal", "RandomNormal"),
        ("uniform", "RandomUniform"),
        ("orthogonal", "Orthogonal"),
        ("OrthogonalInitializer", "Orthogonal"),
        ("identity", "Identity"),
        ("truncated_normal", "TruncatedNormal"),
        ("variance_scaling", "VarianceScaling"),
        ("lecun_normal", "LecunNormal"),
        ("stft", "STFT"),
    ],
)
def test_names_stand_for_initializers(name, cls):
    assert type(initializers.get(name)).__name__ == cls


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"class_name": "GlorotUniform", "config": {"seed": None}}, {"seed": None}),
        ({"class_name": "glorot_uniform", "config": {"seed": 4, "dtype": "float32"}}, {"seed": 4}),
        ({"class_name": "Zeros", "config": {"dtype": "float32"}}, {}),
        (
            {
                "class_name": "VarianceScaling",
                "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "normal", "seed": 1},
            },
            {"distribution": "truncated_normal", "mode": "fan_avg", "seed": 1},
        ),
        (
            {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.1, "seed": None, "dtype": "float32"}},
            {"stddev": 0.1},
        ),
        ({"class_name": "Constant", "config": {"value": 3, "dtype": "float32"}}, {"value": 3}),
    ],
)
def test_configs_of_older_versions_are_read(entry, expected):
    config = initializers.get(entry).get_config()
    assert {key: config[key] for key in expected} == expected


def test_an_array_is_an_initializer_of_its_own_shape():
    init = initializers.get(np.arange(4.0).reshape(2, 2))
    assert init((2, 2), dtype="float32").tolist() == [[0.0, 1.0], [2.0, 3.0]]
    with pytest.raises(ValueError, match=r"has the shape \(2, 2\)"):
        init((3, 2))


def test_a_constant_array_survives_its_config():
    init = initializers.Constant(np.array([1.0, 2.0], np.float32))
    again = initializers.deserialize(initializers.serialize(init))
    assert again((3, 2)).tolist() == [[1.0, 2.0]] * 3


def test_functions_and_classes_are_initializers_and_others_are_not():
    assert initializers.get(None) is None
    assert isinstance(initializers.get(initializers.Ones), initializers.Ones)
    function = lambda shape, dtype=None: ops.ones(shape, dtype)  # noqa: E731
    assert initializers.get(function) is function
    with pytest.raises(ValueError, match="Unknown initializer"):
        initializers.get("nonsense")
    with pytest.raises(ValueError, match="Cannot interpret this initializer"):
        initializers.get(3)


def test_a_variable_is_made_with_an_initializer():
    variable = Variable(initializers.Constant(2.0), shape=(2,), dtype="float16")
    assert variable.numpy().tolist() == [2.0, 2.0]


@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
def test_stft_kernels_are_windowed_waves(scaling):
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(8) / 8)
    norm = {"density": np.sqrt((window**2).sum()), "spectrum": window.sum(), None: 1.0}[scaling]
    wave = np.exp(-2j * np.pi * np.outer(np.arange(8), np.arange(5)) / 8) * window[:, None] / norm
    for side, part in (("real", wave.real), ("imag", wave.imag)):
        kernel = initializers.STFT(side, "hann", scaling, periodic=True)((8, 1, 5)).numpy()
        np.testing.assert_allclose(kernel[:, 0], part, atol=1e-6)


def test_stft_refuses_other_arguments():
    with pytest.raises(ValueError, match="side must be"):
        initializers.STFT("both")
    with pytest.raises(ValueError, match="scaling must be"):
        initializers.STFT(scaling="loud")
    with pytest.raises(ValueError, match="length of the frame"):
        initializers.STFT(window=np.ones(3))((8, 1, 5))


def test_an_orthogonal_vector_points_where_its_normal_numbers_do():
    numbers = random.normal((4, 1), seed=3).numpy()
    vector = initializers.Orthogonal(seed=3)((4, 1)).numpy()
    np.testing.assert_allclose(vector, numbers / np.linalg.norm(numbers), rtol=1e-5)


def test_the_gain_of_the_identity_stands_on_the_diagonal():
    assert initializers.Identity(3.0)((2, 3)).tolist() == [[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]]
