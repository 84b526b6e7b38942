"""The documentation is true: its code runs, its commands parse, its links lead somewhere."""

import importlib
import pathlib
import re
import subprocess
import sys

import doc_pages
import gin
import pytest
from doc_pages import ROOT
from fast_ones import slow_but

from compare_gan_tf import config
from compare_gan_tf.bin import command
from compare_gan_tf.bin.main import VERBS
from compare_gan_tf.config import configurables, gin_files, gin_imports
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Metric
from compare_gan_tf.study import reading

PAGES = doc_pages.pages()
WITH_LINKS = [*PAGES, "CONTRIBUTING.md", "export/README.md", "benchmarks/README.md"]
# Tests of their own run the Python of these: below, in test_quickstart.py, analysis, publishing
# and report.
ELSEWHERE = (
    "docs/analysis.md",
    "docs/comparison.md",
    "docs/machines.md",
    "docs/publishing.md",
    "docs/python.md",
)
# Pages whose commands and Python a reader can run from the first to the last, in minutes.
TO_FOLLOW = (
    "docs/how_to/data_set.md",
    "docs/how_to/loss.md",
    "docs/how_to/network.md",
    "docs/tutorials/own_images.md",
    "docs/tutorials/quickstart.md",
    "docs/tutorials/study.md",
)


def having(test) -> list[str]:
    """The pages that have what a test is about."""
    return [page for page in PAGES if test(page)]


def has_python(page: str) -> bool:
    return page not in ELSEWHERE and any(b.language == "python" for b in doc_pages.blocks(page))


def fast(pages: list[str]) -> list[str]:
    """Those that take seconds; one objective's check traces for longer."""
    return [page for page in pages if page != "docs/how_to/loss.md"]


def has_gin(page: str) -> bool:
    return any(block.language == "gin" for block in doc_pages.blocks(page))


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch, no_bindings):
    """An empty current folder, whose modules can be imported; what they register is forgotten."""
    configurables.load()  # so that nothing of this package is forgotten, too
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(Metric, "named", dict(Metric.named))
    monkeypatch.setattr(gin.config, "_REGISTRY", gin.config._REGISTRY.copy())
    monkeypatch.setattr(gin.config, "_INVERSE_REGISTRY", dict(gin.config._INVERSE_REGISTRY))
    monkeypatch.setattr(gin_imports, "_allowed", set(gin_imports._allowed))
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        if path.stem not in before:
            sys.modules.pop(path.stem, None)


@pytest.mark.parametrize("page", slow_but(having(has_python), *fast(having(has_python))))
def test_the_python_of_a_page_runs(page, in_a_folder):
    doc_pages.write_files(page, in_a_folder)
    doc_pages.run_python(page)


@pytest.mark.parametrize("page", having(doc_pages.commands))
def test_the_commands_of_a_page_have_known_flags_and_configs(page, in_a_folder):
    doc_pages.write_files(page, in_a_folder)
    for verb, *arguments in doc_pages.commands(page):
        assert verb in VERBS, f"{page}: no verb {verb}"
        module = importlib.import_module(f"compare_gan_tf.bin.{verb}")
        if arguments and arguments[0] in getattr(module, "SUBVERBS", ()):
            module = importlib.import_module(f"{module.__name__}.{arguments.pop(0)}")
        values = command.parse_flags(
            ["compare-gan", *arguments],
            module.define_flags,
            getattr(module, "NEEDS_MODEL_DIR", True),
            getattr(module, "COMMON_FLAGS", command.COMMON_FLAGS),
            getattr(module, "ARGUMENTS", None),
        )
        if "gin_config" in values:
            parse(values.gin_config, values.gin_bindings)


def parse(files: list[str], bindings: list[str]) -> None:
    """Reads gin files as the verbs do: that of a study as its plan, others as bindings."""
    if [name for name in files if statements_of_a_study(name)]:
        reading.read(gin_files.find_config(files[0]), bindings)
    else:
        config.parse(files, bindings)


def statements_of_a_study(name: str) -> bool:
    return "study.base = " in pathlib.Path(gin_files.find_config(name)).read_text()


def allow_imports(code: str) -> None:
    gin_imports.allow(re.findall(r"^import (\w+)$", code, re.MULTILINE))


@pytest.mark.parametrize("page", having(has_gin))
def test_the_bindings_of_a_page_exist(page, in_a_folder):
    doc_pages.write_files(page, in_a_folder)
    for block in doc_pages.blocks(page):
        if block.language == "gin":
            allow_imports(block.code)
            pathlib.Path("block.gin").write_text(block.code)
            parse(["block.gin"], [])


@pytest.mark.parametrize("page", WITH_LINKS)
def test_links_lead_to_files_and_anchors(page):
    for file, anchor in doc_pages.links(page):
        assert file.exists(), f"{page}: no {file}"
        if anchor:
            assert anchor in doc_pages.anchors(file), f"{page}: no #{anchor} in {file.name}"


@pytest.mark.slow
def test_the_python_of_several_machines_runs(tmp_path):
    """In a process of its own: its strategy must come before all that TensorFlow computes."""
    (block,) = [b for b in doc_pages.blocks("docs/machines.md") if b.language == "python"]
    command = [sys.executable, "-c", block.code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "trained to step 100" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", TO_FOLLOW)
def test_a_reader_can_follow_a_page(page, tmp_path):
    doc_pages.run_as_a_reader(page, tmp_path)


# --- What pages say ---------------------------------------------------------------------------


def test_the_readme_and_the_site_show_numbers_of_the_results():
    numbers = [cell for cell in doc_pages.text("docs/index.md").split("|") if "[" in cell]
    numbers = [cell.strip() for cell in numbers if re.match(r" [\d.,]+ \[", cell)]
    assert len(numbers) == 9
    assert [one for one in numbers if one not in doc_pages.text("docs/results.md")] == []


# --- The site ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def make():
    """The modules of docs/make, by name."""
    sys.path.insert(0, str(ROOT / "docs" / "make"))
    yield importlib.import_module
    sys.path.remove(str(ROOT / "docs" / "make"))


def test_the_pages_that_scripts_write_are_as_they_write_them(make):
    pages = make("pages")
    written = pages.written(pages.as_written)
    stale = [path for path, page in written.items() if doc_pages.text(f"docs/{path}") != page]
    assert stale == [], "run make docs"
    assert pages.navigation(pages.CONFIG.read_text(), written) == pages.CONFIG.read_text()


def test_every_page_is_on_the_site():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    listed = re.findall(r"(\S+\.(?:md|ipynb))$", navigation, re.MULTILINE)
    assert sorted(f"docs/{path}" for path in listed) == sorted(PAGES[1:])


def test_every_objective_and_every_metric_is_on_the_page_of_its_module(make):
    from compare_gan_tf.metrics import registry

    parts, names = make("parts"), make("objective_pages").names()
    for name, part in parts.registered().items():
        if name.startswith(("objectives.", "losses.")):
            page = parts.module_of(part).rpartition(".")[2]
            assert f"- {parts.plain(part).__name__}\n" in doc_pages.text(
                f"docs/objectives/{page}.md"
            )
    listed, ours = make("metric_pages").modules(), registry._ours()  # other tests register more
    assert sorted(name for names in listed.values() for name in names) == sorted(ours)
    assert parts.formulas()["metrics"].keys() <= listed.keys()
    assert parts.formulas()["objectives"].keys() <= set(names)
    without = [path for path in PAGES if "/objectives/" in path or "/metrics/" in path]
    assert [path for path in without if "$$" not in doc_pages.text(path)] == [
        "docs/metrics/index.md",
        "docs/objectives/index.md",
    ]


def test_curves_have_the_slopes_of_the_formulas(make):
    """Of the hinge loss: -1 below the margin of a real and 0 above it, +1 above that of a fake."""
    pictures = make("pictures")
    from compare_gan_tf.objectives import losses

    curves = pictures.of_loss(losses.hinge)
    _, of_real = curves["D, of a real"]
    assert (
        set(of_real[pictures.LOGITS < 1.0]) == {-1.0} and not of_real[pictures.LOGITS > 1.0].any()
    )
    _, of_fake = curves["D, of a fake"]
    assert set(of_fake[pictures.LOGITS > -1.0]) == {1.0}
    values, slopes = curves["G, of a fake"]
    assert values[0] == 4.0 and set(slopes) == {-1.0}


def test_pictures_of_scores_have_the_numbers_of_the_table(make):
    pictures = make("pictures")
    found = pictures.tables(doc_pages.text("docs/evaluation.md"))
    assert found["Digits"]["fid"]["dropped modes"] == "65.6 (-)"
    assert pictures.number("65.6 (-)") == 65.6
    picture = doc_pages.text("docs/images/metrics/fid.svg")
    for title in ("Digits", "Points on a ring of Gaussians"):
        cells = [cell for name, cell in found[title]["fid"].items() if name != "better"]
        assert len(cells) == 6 and all(f">{cell}<" in picture for cell in cells), title


# --- docs/configs.md --------------------------------------------------------------------------


def test_the_rows_of_configs_are_those_of_their_headers(make):
    page = doc_pages.text("docs/configs.md")
    assert make("configs").page(page) == page, "docs/configs.md is stale: run make docs"


def test_a_config_without_a_row_gets_one_below_its_folders_and_one_that_is_gone_loses_its(make):
    lines = doc_pages.text("docs/configs.md").splitlines()
    (at,) = [i for i, line in enumerate(lines) if line.startswith("| `r3gan/ffhq64.gin` |")]
    row = lines.pop(at)
    changed = "\n".join([*lines, "| `r3gan/gone.gin` | x |"])
    made = make("configs").page(changed).splitlines()
    folder = [line for line in made if line.startswith("| `r3gan/")]
    assert folder[-1] == row and len(folder) == 5
    assert "`folder:ffhq`, 64 px" in row


def test_a_row_says_how_the_data_set_is_bound(make):
    assert make("configs").data_set("loss_sensitive/clsgan_cifar10.gin") == (
        "`cifar10`, `partial_labels(fraction=0.08)`"
    )
    assert make("configs").data_set("bgan/mnist.gin") == "`mnist`, `binarised`"


@pytest.mark.parametrize(
    "text", ["train.seed = 1\n", "# Paper: one.\n# Steps: 3.\n", "# Something else.\n"]
)
def test_a_header_without_its_fields_is_refused(make, text, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.gin").write_text(text)
    assert gin_files.find_config("mine.gin") == str(tmp_path / "mine.gin")
    with pytest.raises(UserError, match="mine.gin must begin with the comments Paper, Published"):
        make("configs").header("mine.gin")
