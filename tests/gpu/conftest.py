import pytest

from kerasish import backend


@pytest.fixture(autouse=True)
def _on_the_gpu():
    if backend.active_name() != "cupy":
        pytest.skip(f"trains on the active backend, which must be cupy. Received: {backend.active_name()}")
