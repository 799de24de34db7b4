"""The notebooks run from top to bottom in a fresh kernel, and are committed with their outputs."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

nbformat = pytest.importorskip("nbformat")
# Jupyter's client warns about its own event loops and sockets, which is not ours to mend.
pytestmark = [pytest.mark.filterwarnings("default")]


def _runner():
    spec = importlib.util.spec_from_file_location("run_notebooks", ROOT / "scripts" / "run_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _text(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_in_a_fresh_kernel(path):
    notebook = _runner().run(path, write=False)
    assert not [o for c in notebook.cells for o in c.get("outputs", []) if o["output_type"] == "error"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_with_its_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    assert sum(bool(cell.outputs) for cell in cells) >= len(cells) - 1


def test_the_quickstart_reaches_its_accuracy_and_reloads_the_same_model():
    text = _text(nbformat.read(ROOT / "notebooks" / "01_quickstart.ipynb", as_version=4))
    accuracy = float(text.split("test accuracy ")[1].split()[0])
    assert accuracy >= 0.97
    assert "same predictions: True" in text
