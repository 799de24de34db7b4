"""Write `end_to_end.json`: what the programs gave. Run it where Keras (on JAX) is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))

from programs import PROGRAMS, run


def main() -> None:
    """Run all programs."""
    results = {}
    for name in PROGRAMS:
        keras.backend.clear_session()
        results[name] = run(name, keras)[2]
    text = json.dumps(results, default=lambda x: np.asarray(x).tolist())
    (Path(__file__).parent / "end_to_end.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
