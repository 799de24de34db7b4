"""Run notebooks in a fresh kernel and write their outputs back.

python scripts/run_notebooks.py notebooks
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"


def run(path: Path, write: bool = True) -> nbformat.NotebookNode:
    """Execute all cells of a notebook; the first error is raised."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    ).execute()
    for cell in notebook.cells:
        cell.get("metadata", {}).pop("execution", None)
        # The state of a live bar is not kept with the notebook; the line that it ends with is.
        if "outputs" in cell:
            cell["outputs"] = [o for o in cell["outputs"] if WIDGET not in o.get("data", {})]
    # The version of the interpreter that ran it is of no interest to a reader.
    notebook.metadata.pop("language_info", None)
    notebook.metadata.pop("widgets", None)
    if write:
        nbformat.write(notebook, path)
    return notebook


def main(arguments: list[str]) -> int:
    """Run the notebooks, or all in the folders, that the command line names."""
    for argument in arguments or ["notebooks"]:
        path = Path(argument)
        for file in sorted(path.glob("*.ipynb")) if path.is_dir() else [path]:
            print(file, flush=True)
            run(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
