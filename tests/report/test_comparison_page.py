"""The page of a comparison: its numbers are those of the tables, and nothing in it is live."""

import dataclasses
import itertools
import json
import os
import pathlib
import re
import sys

import comparisons
import numpy as np
import pytest
import run_folders
from comparisons import of_runs, run, seeds

from compare_gan_tf import report
from compare_gan_tf.comparison.table import Table
from compare_gan_tf.comparison.tables import tables
from compare_gan_tf.data.images import encode_png
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import bars, figures, html, images, pictured, theme, write_comparison
from compare_gan_tf.report.all_figures import looks

HOSTILE = "</script><script>alert(1)</script><b>&amp;"


def grid(value):
    return encode_png(np.full((4, 4, 3), value, np.uint8))


@pytest.fixture(scope="module")
def comparison():
    return comparisons.comparison(settings=2, seeds=3, tasks=("digits", "cifar10"))


@pytest.fixture(scope="module")
def page(tmp_path_factory, comparison, read_page):
    grids = {one.run: grid(i) for i, one in enumerate(pictured(comparison))}
    path = tmp_path_factory.mktemp("comparison") / "index.html"
    return read_page(write_comparison(comparison, grids, str(path), importance={"norm": 0.6}))


def cells(page, identity):
    """The rows of a table by its id."""
    names = [a.get("id") for a in page.attributes("table")]
    return page.tables[names.index(identity)]


def traces(page, name, variant=None):
    found = page.data["figures"][name]["data"]
    return [one for one in found if variant is None or one["name"] == variant]


# --- Numbers ------------------------------------------------------------------------------------


def test_the_leaderboard_of_the_page_is_the_table(page, comparison):
    head, *body = cells(page, "table-leaderboard")
    rows = tables(comparison)["leaderboard"].rows
    assert (
        head[:4] == ["#", "Data set", "Variant", "FID, best setting"]
        and len(body) == len(rows) == 24
    )
    for shown, row in zip(body, rows, strict=True):
        assert shown[:3] == [str(row["place"]), row["task"], row["variant"]]
        assert float(shown[3].split(" ")[0]) == pytest.approx(row["best"], rel=1e-3)
        assert shown[5:9] == [row["letters"], *(str(row[k]) for k in ("seeds", "runs", "failed"))]


def test_bars_are_on_one_scale_for_each_data_set():
    def row(task, best, low, high, left, right):
        return {"task": task, "best": best, "best_low": low, "best_high": high,
                "lower_quartile": left, "upper_quartile": right}  # fmt: skip

    def bars_of(*values):
        return bars.bars(Table("leaderboard", "", "", [], list(values)))

    one, two, other, none = bars_of(
        row("digits", 2.0, 1.0, 3.0, 2.5, 5.0), row("digits", 4.0, 3.0, None, 4.0, None),
        row("mnist", 100.0, None, None, 1.0, 10.0), row("mnist", None, None, None, None, None),
    )  # fmt: skip
    assert one == {"middle": 26.0, "low": 2.0, "high": 50.0, "left": 38.0, "right": 98.0}
    assert two == {"middle": 74.0, "low": 50.0, "high": 100.0, "left": None, "right": None}
    assert other == {"middle": 98.0, "low": 98.0, "high": 98.0, "left": 2.0, "right": 50.0}
    assert none is None  # and from 1 to 100 the scale is logarithmic


def test_every_run_has_a_row(page, comparison):
    _, *body = cells(page, "table-runs")
    assert [row[0] for row in body] == [one.name for one in comparison.runs]
    assert sum(row[4] == "failed" for row in body) == sum(
        r.status == "failed" for r in comparison.runs
    )


def test_the_tables_to_save_are_the_tables(page, comparison):
    made = tables(comparison, {"norm": 0.6})
    assert page.data["tables"].keys() == made.keys()
    for name, table in made.items():
        assert page.data["tables"][name] == {"csv": table.csv(), "json": table.json()}
    buttons = [a for a in page.attributes("button") if "data-save" in a]
    assert {one["data-table"] for one in buttons} <= made.keys()
    assert {"leaderboard", "runs", "pairwise", "budget", "profile", "cost", "power"} <= {
        one["data-table"] for one in buttons
    }


def test_figures_hold_the_numbers_of_the_tables(page, comparison):
    made = tables(comparison)
    name, task = "hinge, spectral", "cifar10"
    (point,) = traces(page, "leaderboard.1", name)
    (row,) = made["leaderboard"].where(task=task, variant=name)
    assert point["x"] == [row["best"]]
    assert point["error_x"]["array"] == [pytest.approx(row["best_high"] - row["best"])]
    line = traces(page, "budget.1", name)[-1]
    rows = made["budget"].where(task=task, variant=name)
    assert line["x"] == [one["budget"] for one in rows]
    assert line["y"] == [one["expected"] for one in rows]
    line = traces(page, "profile", name)[-1]
    assert line["y"] == [one["share"] for one in made["profile"].where(variant=name)]
    (matrix,) = traces(page, "pairwise.1")
    at = matrix["y"].index(name), matrix["x"].index("wasserstein, none")
    (row,) = made["pairwise"].where(task=task, first=name, second="wasserstein, none")
    assert matrix["z"][at[0]][at[1]] == row["probability"]
    assert all(matrix["z"][i][i] is None for i in range(12))
    assert matrix["y"][0] == made["leaderboard"].where(task=task)[0]["variant"]  # the best on top
    (both,) = traces(page, "pairwise.all")
    wins = [sum(p for p in row if p is not None) for row in both["z"]]
    assert wins == sorted(wins, reverse=True)
    (marks,) = traces(page, "diversity-recall.1", name)
    rows = made["diversity"].where(task=task, variant=name)
    assert (marks["x"], marks["y"]) == ([r["x"] for r in rows], [r["y"] for r in rows])


def test_learning_curves_are_the_median_and_the_range_of_seeds():
    curves = [[(10, 200.0), (20, 5.0)], [(10, 100.0), (20, 9.0)], [(10, 150.0), (20, None)]]
    runs = [run("a", 1.0, i) for i in range(3)]
    for one, curve in zip(runs, curves, strict=True):
        object.__setattr__(one.scores["fid"], "curve", curve)
        object.__setattr__(one.scores["fid"], "best_step", 10)
    shown = {one.name: one.figure for one in figures(of_runs(runs))}
    band, line = shown["learning"].data
    assert list(line.x) == [10, 20] and list(line.y) == [150.0, 7.0]
    assert list(band.y) == [200.0, 9.0, 5.0, 100.0]
    assert shown["learning"].layout.yaxis.type == "log"  # from 200 to 5


def test_parallel_coordinates_pass_through_the_settings_of_each_run():
    runs = [run("a", 1.0, 0, setting={"rate": 0.1}), run("b", 3.0, 0, setting={"rate": 0.001})]
    (figure,) = (one.figure for one in figures(of_runs(runs)) if one.kind == "parallel")
    assert list(figure.layout.xaxis.ticktext) == ["loss", "rate", "fid"]
    first, second = figure.data
    assert list(first.y) == [0.0, 1.0, 0.0, None] and list(second.y) == [1.0, 0.0, 1.0, None]
    assert "rate: 0.001" in second.text[0] and "fid: 3" in second.text[0]


def test_a_variant_has_one_look_in_every_figure(comparison):
    styles = looks(comparison)
    assert len({(one.colour, one.dash, one.symbol) for one in styles.values()}) == 12
    found = {}
    for shown in figures(comparison):
        for trace in shown.figure.data:
            if trace.legendgroup and trace.marker.color:
                found.setdefault(trace.legendgroup, set()).add(trace.marker.color)
    assert found == {name: {one.colour} for name, one in styles.items()}


def test_one_axis_takes_the_colours_in_turn_and_then_a_new_dash():
    made = theme.styles([{"loss": str(i)} for i in range(10)])
    assert [one.number for one in made] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]
    assert made[0].dash != made[8].dash and len({(m.number, m.dash) for m in made}) == 10


def test_pictures_are_the_grids_of_the_runs_that_they_name(page, comparison):
    expected = {f"Samples of {one.run}": i for i, one in enumerate(pictured(comparison))}
    assert {alt: image[0, 0, 0] for alt, image in page.pictures().items()} == expected


# --- One file, and nothing live -----------------------------------------------------------------


def test_nothing_outside_the_page_is_referenced(page):
    identifiers = [a["id"] for _, a in page.tags if "id" in a]
    assert len(set(identifiers)) == len(identifiers)
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        assert attributes.get("src", "data:").startswith("data:")
        if "href" in attributes:
            assert attributes["href"][0] == "#" and attributes["href"][1:] in identifiers
    (policy,) = [a for a in page.attributes("meta") if "http-equiv" in a]
    assert policy["content"].startswith("default-src 'none';") and "http:" not in policy["content"]
    assert not re.search(r"https?://|url\(|@import", page.source)


def test_300_runs_stay_below_3_mb(tmp_path):
    comparison = comparisons.comparison()
    assert len(comparison.runs) == 300
    grids = {one.run: grid(i) for i, one in enumerate(pictured(comparison))}
    assert os.path.getsize(write_comparison(comparison, grids, str(tmp_path / "a.html"))) < 3 << 20


def strings(value):
    if isinstance(value, dict):
        yield from (text for one in value.values() for text in strings(one))
    elif isinstance(value, list):
        yield from (text for one in value for text in strings(one))
    elif isinstance(value, str):
        yield value


def test_names_are_text_everywhere(tmp_path, read_page):
    runs = [
        run({HOSTILE: value}, score, seed, task=HOSTILE, setting={HOSTILE: f"{HOSTILE}{rate}"})
        for value, scores in ((HOSTILE, [1.0, 2.0, 4.0]), ("b", [3.0, 5.0, None]))
        for seed, score in enumerate(scores)
        for rate in (1, 2)
    ]
    comparison = of_runs(runs, title=HOSTILE, provenance={HOSTILE: HOSTILE})
    grids = {one.run: grid(0) for one in pictured(comparison)}
    page = read_page(write_comparison(comparison, grids, str(tmp_path / "a.html"), {HOSTILE: 1.0}))
    assert HOSTILE in page.text and "<script>" not in page.source and "<b>" not in page.source
    texts = [text for text in strings(page.data["figures"]) if "alert" in text]
    assert len(texts) > 20
    for text in texts:  # Plotly reads tags in text, and turns entities back
        assert not re.search(r"<(?!br>|extra>|/extra>)", text), text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert json.loads(page.data["tables"]["runs"]["json"])["rows"][0]["task"] == HOSTILE


def test_control_characters_are_shown_as_such():
    assert theme.safe("a\x00\u2028<b>") == "a\ufffd\ufffd&lt;b&gt;"


@pytest.mark.parametrize(
    "runs",
    [
        [], [run("a", None)], [run("a", 1.0)], seeds("a", [1.0, 1.0]),
        [run("a", 0.0), run("b", -1.0)],
        [run("a", 1.0, status="running")], seeds("a", [None, None]) + seeds("b", [None, 2.0]),
        [run("a", 1.0), run("b", 2.0, task="mnist")], [run({}, 1.0), run({}, 2.0, 1)],
        [run("a", 1e-300), run("b", 1e300)],
    ],
)  # fmt: skip
def test_the_page_of_few_runs_shows_what_there_is(tmp_path, runs, read_page):
    page = read_page(write_comparison(of_runs(runs), {}, str(tmp_path / "a.html")))
    assert {a["id"] for a in page.attributes("h2")} >= {"leaderboard", "runs", "provenance"}
    names = [a["data-figure"] for a in page.attributes("div") if "data-figure" in a]
    assert sorted(names) == sorted(page.data["figures"])
    assert ("No run has ended yet." in page.text) == (not any(r.status != "running" for r in runs))


# --- Files --------------------------------------------------------------------------------------


def test_a_page_of_ours_is_replaced_and_others_are_not(tmp_path):
    path = tmp_path / "new" / "a.html"
    comparison = of_runs(seeds("a", [1.0, 2.0]))
    assert write_comparison(comparison, {}, str(path)) == str(path)
    write_comparison(comparison, {}, str(path))
    path.write_text("mine")
    with pytest.raises(UserError, match="a.html is there and is no page of ours") as caught:
        write_comparison(comparison, {}, str(path))
    assert path.read_text() == "mine" and "\n" not in str(caught.value)
    assert os.listdir(path.parent) == ["a.html"]


def test_a_path_must_end_in_html_and_be_no_link(tmp_path):
    comparison = of_runs(seeds("a", [1.0]))
    with pytest.raises(UserError, match=r"let its name end in \.html"):
        write_comparison(comparison, {}, str(tmp_path / "a.txt"))
    (tmp_path / "l.html").symlink_to(tmp_path / "t.html")
    with pytest.raises(UserError, match="is a link"):
        write_comparison(comparison, {}, str(tmp_path / "l.html"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_comparison(comparison, {}, str(tmp_path / "file" / "a.html"))


def test_figures_need_a_known_format_kaleido_and_a_browser(tmp_path, monkeypatch):
    comparison = of_runs(seeds("a", [1.0, 2.0]))
    with pytest.raises(UserError, match="written as pdf, png, svg, not as gif"):
        images.write_figures(comparison, str(tmp_path / "f"), formats=("gif",))
    choreographer = pytest.importorskip("choreographer.errors")

    class Kaleido:
        def __init__(self, **settings):
            assert settings == {"mathjax": False}  # which would be asked of a network

        async def __aenter__(self):
            raise choreographer.ChromeNotFoundError("a long\ntext")

        async def __aexit__(self, *_):
            return None

    monkeypatch.setattr("kaleido.Kaleido", Kaleido)
    with pytest.raises(UserError, match="need Chrome or Chromium: install one") as caught:
        images.write_figures(comparison, str(tmp_path / "f"))
    assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(UserError, match=r"pip install 'compare_gan_tf\[figures\]'"):
        images.write_figures(comparison, str(tmp_path / "f"))
    assert not (tmp_path / "f").exists()


# --- Numbers in words ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (7384, "2 h 3 min"),
        (90000, "25 h"),
        (180000, "2 d 2 h"),
    ],
)
def test_durations(seconds, text):
    assert html.duration(seconds) == text


def test_cells():
    assert [html.cell(v, "number") for v in (12.3456, 1.5e9, 0.00012345)] == [
        "12.35",
        "1.5 G",
        "0.0001234",
    ]
    assert html.cell(1234567, "whole") == "1,234,567" and html.cell(0.5, "share") == "0.50"
    assert html.cell(None, "number") == "" and html.cell(0, "whole") == "0"


def test_every_table_can_be_saved_from_the_page(tmp_path, read_page):
    """Also that of the claims, where the axes have the names of the landscape's."""
    made = comparisons.comparison(losses=("hinge",), norms=("none", "spectral"), settings=2)
    runs = [
        dataclasses.replace(
            one,
            variant={"loss": "non-saturating", "penalty": "none", "ratio": "1:1"}
            | {"normalisation": one.variant["norm"]},
        )
        for one in made.runs
    ]
    axes = {
        name: list(dict.fromkeys(one.variant[name] for one in runs)) for name in runs[0].variant
    }
    made = dataclasses.replace(made, runs=runs, axes=axes)
    page = read_page(write_comparison(made, {}, str(tmp_path / "a.html"), {"loss": 0.6}))
    buttons = {one["data-table"] for one in page.attributes("button") if "data-table" in one}
    assert "claims" in buttons and buttons == set(tables(made, {"loss": 0.6}))
    assert "table-claims" in [one.get("id") for one in page.attributes("table")]


def test_the_example_of_the_documentation_runs(tmp_path, monkeypatch, capsys):
    scores = {"fid validation": [9.0, 5.0], "fid test": [8.0, 6.0]}
    for loss, seed in itertools.product(("hinge", "wasserstein"), "01"):
        folder = tmp_path / "runs" / f"{loss}{seed}"
        bound = {"Adversarial.loss": f"@{loss}", "train.seed": seed}
        run_folders.write(folder, scores, config=bound)
        (folder / "report").mkdir()
        (folder / "report" / "samples.png").write_bytes(grid(7))
    monkeypatch.chdir(tmp_path)
    page = (pathlib.Path(__file__).parents[2] / "docs" / "comparison.md").read_text()
    first, second = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = {}
    exec(compile(first, "docs/comparison.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("place,task,variant,")
    assert (tmp_path / "comparison.html").read_text().count("data:image/png") == 4
    made = []
    monkeypatch.setattr(report, "write_figures", lambda *arguments, **how: made.append(how))
    exec(compile(second, "docs/comparison.md", "exec"), names)
    assert set(made[0]["formats"]) < set(images.FORMATS)


def test_every_table_is_in_the_documentation(comparison):
    page = (pathlib.Path(__file__).parents[2] / "docs" / "comparison.md").read_text()
    made = tables(comparison, {"norm": 0.6})
    assert [name for name in made if f"\n| `{name}` |" not in page] == []
