"""What is said where the GPU, its driver or CuPy is missing."""

import importlib.util
import os
import subprocess
import sys

import pytest

from kerasish import backend, config
from kerasish.backend.cupy import _driver

EMULATED = os.environ.get("KERASISH_TEST_DEVICE") == "emulated"
emulated = pytest.mark.skipif(not EMULATED, reason="needs an emulated GPU, which fails on demand")
HAS_DRIVER = _driver._driver_is_there()
without_driver = pytest.mark.skipif(HAS_DRIVER, reason="needs a machine without an NVIDIA driver")

# Packages that are not found, ahead of a program.
_WITHOUT = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names} else found(name, *rest)
"""


def _python(program, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KERASISH_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, env={**kept, **environment}
    )


def _last_line(done):
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1, done.stderr
    assert "During handling" not in done.stderr
    assert "direct cause" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("ImportError: "), line
    assert "KERASISH_BACKEND=numpy" in line
    return line


@emulated
@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ({"driver_too_old": True}, ["too old", "update the driver", "kerasish[cuda12]", "insufficient"]),
        ({"no_device": True}, ["no usable GPU", "nvidia-smi", "no CUDA-capable device"]),
        ({"compute_capability": (7, 0)}, ["too old", "7.5", "Turing", "Received: 7.0"]),
    ],
)
def test_each_fault_of_the_device_has_a_text_of_its_own(fault, parts):
    import cupy

    assert _driver.problem() is None
    with cupy.faults.injected(**fault):
        text = _driver.problem()
        assert not backend.importlib.import_module("kerasish.backend.cupy").usable()
    assert text is not None
    for part in [*parts, "KERASISH_BACKEND=numpy"]:
        assert part in text
    assert "\n" not in text


@emulated
@pytest.mark.parametrize("capability", [(7, 5), (8, 0), (9, 0), (10, 0), (12, 0)])
def test_newer_devices_are_good(capability):
    import cupy

    with cupy.faults.injected(compute_capability=capability):
        assert _driver.problem() is None


@emulated
def test_no_visible_device_is_told_by_the_variable_that_hides_it(monkeypatch):
    import cupy

    monkeypatch.setattr(cupy.cuda.runtime, "getDeviceCount", lambda: 0)
    text = _driver.problem()
    assert "CUDA_VISIBLE_DEVICES" in text
    assert "Received: 0 devices" in text


@pytest.mark.parametrize(("package", "extra"), [("cupy", "CuPy"), ("ml_dtypes", "ml_dtypes")])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(monkeypatch, package, extra):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == package else found(name, *rest)
    )
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    text = _driver.problem()
    assert extra in text
    assert "pip install 'kerasish[cuda13]'" in text


def test_a_cupy_that_cannot_be_imported_is_told_apart_from_none(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: object())
    monkeypatch.setattr(_driver, "_driver_is_there", lambda: True)
    # What `import` raises ModuleNotFoundError for.
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    text = _driver.problem()
    assert "cannot import it" in text
    assert "Received: ModuleNotFoundError" in text


@pytest.mark.parametrize("name", ["cupy", "ml_dtypes"])
def test_without_a_package_the_import_ends_in_one_line_that_says_what_to_do(name):
    program = _WITHOUT.format(names=[name]) + "import kerasish.layers"
    line = _last_line(_python(program, KERASISH_BACKEND="cupy"))
    assert "pip install 'kerasish[cuda13]'" in line


@without_driver
def test_without_a_driver_the_import_ends_in_one_line_that_says_what_to_do():
    pytest.importorskip("ml_dtypes")
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("needs CuPy")
    line = _last_line(_python("import kerasish.layers", KERASISH_BACKEND="cupy"))
    assert "libcuda" in line
    assert "driver installed" in line


@without_driver
@pytest.mark.parametrize("environment", [{}, {"KERASISH_BACKEND": "auto"}])
def test_auto_falls_back_to_the_host_in_silence_and_without_importing_cupy(environment):
    program = (
        "import sys, kerasish.layers\n"
        "found = sorted({name.split('.')[0] for name in sys.modules} & {'cupy', 'cupy_backends', 'ml_dtypes'})\n"
        "sys.exit(0 if kerasish.config.backend() in ('numpy', 'numba') and 'cupy' not in found else str(found))\n"
    )
    done = _python(program, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@without_driver
def test_a_backend_that_cannot_be_set_leaves_the_active_one():
    program = (
        "import kerasish, kerasish.ops as ops\n"
        "before = dict(vars(kerasish.backend.K))\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        kerasish.config.set_backend('cupy')\n"
        "    except ImportError as error:\n"
        "        assert 'KERASISH_BACKEND=numpy' in str(error), error\n"
        "    else:\n"
        "        raise SystemExit('no error')\n"
        "assert kerasish.config.backend() == 'numpy' and vars(kerasish.backend.K) == before\n"
        "assert ops.exp([0.0]).tolist() == [1.0]\n"
    )
    done = _python(program, KERASISH_BACKEND="numpy")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_backend_leaves_the_active_one():
    before = config.backend()
    with pytest.raises(ValueError, match="Received: 'cuda'"):
        config.set_backend("cuda")
    assert config.backend() == before


@emulated
def test_a_status_of_cublaslt_says_what_it_means():
    from kerasish.backend.cupy._cublaslt import ALLOC_FAILED, CublasLtError

    for status, part in ((13, "unusable until this process ends"), (8, "newer nvidia-cublas"), (99, "unknown status")):
        text = str(CublasLtError("cublasLtMatmul", status))
        assert text.startswith("cublasLtMatmul failed")
        assert part in text
        assert f"({status})" in text
    told = backend.explained(CublasLtError("cublasLtMatmul", ALLOC_FAILED))
    assert type(told) is MemoryError
    assert backend.explained(CublasLtError("cublasLtMatmul", 7)) is None


def test_a_missing_cublaslt_names_the_package(monkeypatch):
    import ctypes

    # The module imports nothing of CuPy; the emulator takes the place of its function.
    spec = importlib.util.find_spec("kerasish.backend.cupy._cublaslt")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def refuse(name, *rest, **settings):
        raise OSError(f"{name}: cannot open")

    monkeypatch.setitem(sys.modules, "cuda.pathfinder", None)
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    with pytest.raises(ImportError, match="nvidia-cublas") as caught:
        module.load_library()
    assert "Received: libcublasLt" in str(caught.value) or sys.platform == "win32"
