"""The first program of the README runs when pasted."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def program():
    return re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)


def test_the_first_program_has_ten_lines():
    assert len([line for line in program().splitlines() if line.strip()]) == 10


def test_the_first_program_runs_when_pasted(tmp_path):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program()],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "KERASISH_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "digits.h5").exists()
    assert 0 <= int(result.stdout.split()[-1]) <= 9
