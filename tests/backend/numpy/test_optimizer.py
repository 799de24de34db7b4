from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from kerasish import backend
from kerasish.backend.numpy.optimizer import _blocks
from tests.backend.optimizer_rules import CASES, follow

KERNELS = SimpleNamespace(**backend.kernels_of("numpy"))


@pytest.mark.parametrize("size", [0, 1, 16, 40])
@pytest.mark.parametrize("case", CASES)
def test_an_update_goes_block_by_block(case, size, monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 16)
    follow(KERNELS, case, "float64", size)
    follow(KERNELS, case, "float16", size, steps=2)


def test_a_sum_of_squares_goes_block_by_block(monkeypatch):
    monkeypatch.setattr(_blocks, "BLOCK", 16)
    assert KERNELS.sum_squares(np.arange(40.0)) == np.sum(np.arange(40.0) ** 2)


def test_threads_do_not_share_their_scratch_memory():
    rows = {}

    def take(name):
        rows[name] = _blocks._scratch.rows(1, 8, np.dtype("float32"))

    threads = [threading.Thread(target=take, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not np.shares_memory(rows["a"], rows["b"])
