import pytest

import kerasish
from kerasish.lazy import attach


def test_names_are_loaded_when_they_are_used():
    load, _ = attach("kerasish", {"Variable": "kerasish.autodiff"})
    assert load("Variable") is kerasish.Variable


def test_an_unknown_name_is_an_attribute_error():
    load, _ = attach("kerasish", {})
    with pytest.raises(AttributeError, match="'kerasish' has no attribute 'nothing'"):
        load("nothing")


def test_all_names_are_listed():
    assert {"Model", "layers", "ops"} <= set(dir(kerasish))
    assert {"to_categorical", "set_random_seed"} <= set(dir(kerasish.utils))


def test_everything_in_all_can_be_loaded():
    for module in (kerasish, kerasish.utils):
        for name in module.__all__:
            assert getattr(module, name) is not None
