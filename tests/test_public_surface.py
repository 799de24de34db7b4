"""What is public is documented, typed, and quick to import."""

import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
import typing

import pytest

import kerasish
from kerasish.backend.cupy import usable

PUBLIC = [
    "activations",
    "autodiff",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
]


# The modules of the GPU's backend import CuPy, and refuse to be imported where no GPU answers.
GPU = usable()


def modules():
    names = ["kerasish"]
    for module in pkgutil.walk_packages(kerasish.__path__, "kerasish."):
        if not module.name.endswith("__main__") and (GPU or not module.name.startswith("kerasish.backend.cupy.")):
            names.append(module.name)
    return names


def exported(namespace):
    module = importlib.import_module(f"kerasish.{namespace}")
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in names:
        value = getattr(module, name)
        own = getattr(value, "__module__", "") or ""
        if (inspect.isclass(value) or inspect.isfunction(value)) and own.startswith("kerasish"):
            yield f"{namespace}.{name}", value


EXPORTED = [pair for namespace in PUBLIC for pair in exported(namespace)]


@pytest.mark.parametrize(("name", "value"), EXPORTED, ids=[name for name, _ in EXPORTED])
def test_a_public_name_has_a_docstring(name, value):
    assert inspect.getdoc(value), name
    if inspect.isclass(value):
        for method, function in vars(value).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                assert inspect.getdoc(getattr(value, method)), f"{name}.{method}"


@pytest.mark.parametrize(("name", "value"), EXPORTED, ids=[name for name, _ in EXPORTED])
def test_a_public_function_has_type_hints(name, value):
    function = value.__init__ if inspect.isclass(value) else inspect.unwrap(value)
    if not inspect.isfunction(function) or not (function.__module__ or "").startswith("kerasish"):
        return
    hints = function.__annotations__
    parameters = [p for p in inspect.signature(function).parameters if p != "self"]
    assert [p for p in parameters if p not in hints] == [], name
    assert "return" in hints, name


@pytest.mark.parametrize("name", modules())
def test_the_examples_in_docstrings_run(name):
    module = importlib.import_module(name)
    kerasish.utils.clear_session()
    kerasish.utils.set_random_seed(0)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_importing_everything_loads_nothing_beyond_the_three_dependencies():
    code = (
        "import sys; before = set(sys.modules)\n"
        "import kerasish, kerasish.layers, kerasish.models, kerasish.optimizers, kerasish.callbacks\n"
        "import kerasish.datasets, kerasish.losses, kerasish.metrics, kerasish.utils, kerasish.saving, kerasish.ops\n"
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    environment = {"KERASISH_BACKEND": "numpy", "PATH": ""}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    # Cython leaves a module of its own behind in extensions built with it.
    loaded = {name for name in result.stdout.split() if not name.startswith(("_", "cython_runtime"))}
    assert loaded <= {"kerasish", "numpy", "h5py", "tqdm"}


def test_the_names_of_keras_exist_at_the_top():
    for name in ("Model", "Sequential", "Input", "Layer", "Variable", "Loss", "Metric", "Optimizer", "GradientTape"):
        assert callable(getattr(kerasish, name))
    assert typing.get_type_hints(kerasish.version)["return"] is str
