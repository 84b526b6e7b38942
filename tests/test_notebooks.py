"""The notebooks run from the first to the last cell."""

import json

import doc_pages
import pytest

FOLDER = doc_pages.ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def test_notebooks_have_no_outputs_and_are_listed():
    assert NOTEBOOKS == ["load_and_sample.ipynb", "quickstart.ipynb"]
    for name in NOTEBOOKS:
        cells = json.loads((FOLDER / name).read_text())["cells"]
        assert all(cell.get("outputs", []) == [] for cell in cells)
        assert f"[{name}]({name})" in doc_pages.text("docs/notebooks/index.md")


@pytest.mark.slow
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name, tmp_path):
    import nbclient
    import nbformat

    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": tmp_path}}
    ).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )
    (fid,) = [float(line.split()[1]) for line in printed.splitlines() if line.startswith("fid ")]
    assert 0.0 < fid < 15.0
