"""Where the tests run: on the backend of the environment, or with KERASISH_TEST_DEVICE=emulated on an emulated GPU."""

import os

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
