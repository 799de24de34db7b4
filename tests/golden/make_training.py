"""Write `training.json`: what trainings reported. Run it where Keras (on JAX) is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from scenarios import SCENARIOS


def main() -> None:
    """Run all scenarios."""
    results = {}
    for name, run in SCENARIOS.items():
        keras.backend.clear_session()
        try:
            results[name] = run(keras)
        except Exception as error:
            raise RuntimeError(name) from error
    text = json.dumps(results, default=lambda x: np.asarray(x).tolist(), indent=1)
    (Path(__file__).parent / "training.json").write_text(text)


if __name__ == "__main__":
    main()
