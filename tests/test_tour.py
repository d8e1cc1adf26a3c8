"""The notebook of examples/, run from its first cell to its last."""

from pathlib import Path

import pytest

TOUR = Path(__file__).parents[1] / "examples" / "tour.ipynb"

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (requirements.txt)")


def test_it_is_kept_as_it_ran_and_is_small():
    assert TOUR.stat().st_size <= 2 * 2**20
    cells = [cell for cell in nbformat.read(TOUR, 4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds  # pictures and players
    assert "/home/" not in TOUR.read_text()


@pytest.mark.slow
def test_it_runs(tmp_path, monkeypatch):
    nbclient = pytest.importorskip(
        "nbclient", reason="nbclient is not installed (requirements.txt)"
    )
    monkeypatch.setenv("PYTHONPATH", str(TOUR.parents[1]))
    notebook = nbformat.read(TOUR, 4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    assert "Saved" in str(notebook.cells[-2].outputs) or "step 50" in str(
        notebook.cells[-2].outputs
    )
