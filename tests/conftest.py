"""Where the tests run: on the backend of the environment, or with KERASISH_TEST_DEVICE=emulated on an emulated GPU."""

import functools
import os

import pytest

if os.environ.get("KERASISH_TEST_DEVICE") == "emulated":
    from tests.emulator.install import install

    # Of this process alone: programs that a test starts have no emulator.
    before = os.environ.get("KERASISH_BACKEND")
    os.environ["KERASISH_BACKEND"] = "cupy"
    try:
        install()
    finally:
        if before is None:
            del os.environ["KERASISH_BACKEND"]
        else:
            os.environ["KERASISH_BACKEND"] = before


def pytest_runtest_setup(item):
    if item.get_closest_marker("gpu") is not None and (problem := _no_gpu()) is not None:
        pytest.skip(problem)


@functools.cache
def _no_gpu():
    """Why there is no GPU to test on; None where there is one."""
    from kerasish.backend.cupy._driver import problem

    found = problem()
    return None if found is None else f"needs a GPU. {found}"
