"""Global settings, and what they change."""

import pytest

from kerasish import config, layers
from kerasish.backend import available


@pytest.fixture(autouse=True)
def _restored():
    before = dict(config._settings)
    config.set_dtype_policy(None)
    yield
    config._settings.update(before)
    config.set_dtype_policy(None)


def test_the_default_float_is_that_of_new_weights():
    config.set_floatx("float64")
    assert layers.Dense(1, input_shape=(2,)).dtype == "float64"
    with pytest.raises(ValueError, match="Received: value='int8'"):
        config.set_floatx("int8")
    assert config.floatx() == "float64"


def test_a_dtype_policy_is_that_of_new_layers_until_it_is_set_back():
    config.set_dtype_policy("mixed_float16")
    assert config.dtype_policy().name == "mixed_float16"
    assert layers.Dense(1).compute_dtype == "float16"
    config.set_dtype_policy(None)
    assert layers.Dense(1).compute_dtype == "float32"


def test_the_image_layout_is_that_of_new_layers():
    config.set_image_data_format("channels_first")
    assert layers.Conv2D(1, 2).data_format == "channels_first"
    with pytest.raises(ValueError, match="Received: data_format='channels_middle'"):
        config.set_image_data_format("channels_middle")


def test_the_home_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASISH_HOME", str(tmp_path))
    assert config.home() == tmp_path


def test_an_unknown_backend_is_refused_and_the_active_one_stays():
    before = config.backend()
    with pytest.raises(ValueError, match="Received: 'tpu'"):
        config.set_backend("tpu")
    assert config.backend() == before
    assert "numpy" in available()


def test_a_backend_that_is_not_part_of_this_build_is_named():
    missing = [name for name in ("numba", "cupy") if name not in available()]
    for name in missing:
        with pytest.raises(ImportError, match=name):
            config.set_backend(name)


def test_interactive_logging_can_be_turned_off_and_on():
    config.disable_interactive_logging()
    assert not config.is_interactive_logging_enabled()
    config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()
