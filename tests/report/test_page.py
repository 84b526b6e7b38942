"""What the page shows, and that it shows it alone."""

import dataclasses
import json
import os
import re
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import curves, drawings, page, theme, write_report
from compare_gan_tf.runs import best, checkpoints, results


def cell(grid, row, column, scale=8):
    """One image [8, 8] of a grid of 64-pixel images 4 pixels apart; each pixel a block."""
    top, left = row * 68, column * 68
    blocks = grid[top : top + 64, left : left + 64].reshape(8, scale, 8, scale, 3)
    assert (blocks == blocks[:, :1, :, :1, :1]).all()  # blocks of one grey each
    return blocks[:, 0, :, 0, 0]


def test_the_embedded_grid_is_the_samples_in_order(page, images):
    grid = page.pictures()["64 images from the generator"]
    assert grid.shape == (8 * 68 - 4, 8 * 68 - 4, 3)
    for row in range(8):
        for column in range(8):
            np.testing.assert_array_equal(cell(grid, row, column), images[8 * row + column, ..., 0])
    assert (grid[64:68] == 40).all() and (grid[:, 64:68] == 40).all()


def test_samples_png_is_the_embedded_grid(page):
    folder, name = os.path.split(page.path)
    assert name == "index.html" and os.path.basename(folder) == "report"
    assert sorted(os.listdir(folder)) == ["index.html", "samples.png"]
    grid = page.pictures()["64 images from the generator"]
    np.testing.assert_array_equal(Image.open(os.path.join(folder, "samples.png")), grid)


def test_a_conditional_run_has_one_column_for_each_class(run, conditional_gan, dataset, read_page):
    pictures = read_page(write_report(str(run), conditional_gan, dataset)).pictures()
    suffix = ", one column for each class, 0 to 9"
    fake = pictures[f"80 images from the generator{suffix}"]
    real = pictures[f"80 images from the data set{suffix}"]
    for column in range(10):
        for row in range(8):
            assert (cell(fake, row, column) == 20 * column).all()
            known = column < 9 or row < 3  # label 9 has only three images
            assert (cell(real, row, column) == (20 * column + 5 if known else 0)).all()


def test_only_the_first_classes_of_many_are_shown(run, conditional_gan, dataset, read_page):
    conditional_gan.num_classes = 1000
    page = read_page(write_report(str(run), conditional_gan, dataset))
    assert "one column for each of the classes 0 to 11 of 1000" in page.text


def test_nothing_outside_the_page_is_referenced(page):
    names = {name for name, _ in page.tags}
    assert not names & {"link", "iframe", "object", "embed", "base"}
    assert not any("src" in attributes for attributes in page.attributes("script"))
    (policy,) = [a for a in page.attributes("meta") if "http-equiv" in a]
    assert policy["content"].startswith("default-src 'none';") and "http:" not in policy["content"]
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in page.tags:
        for key in ("src", "srcset"):
            assert attributes.get(key, "data:").startswith("data:")
        if "href" in attributes:
            assert attributes["href"][0] == "#" and attributes["href"][1:] in identifiers
    assert not re.search(r"https?://|url\(|@import", page.source)


def test_the_library_of_figures_is_in_the_page(page):
    assert page.library.startswith(b"/**\n* plotly.js v")
    assert b"Licensed under the MIT license" in page.library
    assert os.path.getsize(page.path) < 3 << 20


def test_every_picture_says_in_words_what_it_shows(page):
    assert len(page.pictures()) == len(page.attributes("img")) == 2
    words = list(page.charts())
    assert len(words) == 3
    fid = next(text for text in words if text.startswith("FID by step"))
    assert "validation: 80.123 at step 100, 40.500 at 300." in fid
    assert "test: 10.500 at step 100, 41.000 at 200." in fid
    losses = next(text for text in words if text.startswith("Loss of each player"))
    assert "discriminator/loss: 1.0000 at step 100, 0.33333 at 300." in losses
    assert page.attributes("html")[0]["lang"] == "en"


def test_the_table_is_the_rows(page, scores):
    values = [float(data["value"]) for data in page.attributes("data")]
    ordered = sorted(scores, key=lambda row: (row["step"], row["split"]))
    expected = [row["value"] for row in ordered if row["value"] is not None]
    assert values[-len(expected) :] == expected
    head, *body = page.cells
    assert head[:4] == ["Step", "Metric", "Split", "Value"]
    assert len(body) == len(ordered)
    for cells, row in zip(body, ordered, strict=True):
        assert cells[:3] == [str(row["step"]), "fid", row["split"]]
        assert cells[4:] == [row["protocol_id"], "0.5", "2026-11-21 06:24"]
    assert [cells[3] for cells in body[:2]] == ["10.500", "80.123"]


def test_a_missing_value_is_shown_with_its_reason(page):
    assert "none: two samples are <not> finite" in page.cells[5][3]
    assert "<not>" not in page.source


def test_an_interval_is_shown(run, gan, dataset, scores, read_page):
    scores[0]["interval"] = [79.0, 81.5]
    (run / "scores.jsonl").write_text(json.dumps(scores[0]) + "\n")
    page = read_page(write_report(str(run), gan, dataset))
    assert page.cells[1][3] == "80.123[79.000, 81.500]"


def test_every_protocol_is_listed_once_and_in_full(page):
    identifiers = [a.get("id") for a in page.attributes("details")]
    assert [one for one in identifiers if one] == ["protocol-0", "protocol-1"]
    assert page.text.count("n_real") == page.text.count("extractor") == 2
    links = {cells[4]: None for cells in page.cells[1:]}
    assert list(links) == ["digits-test300", "digits-validation300"]


def test_the_best_step_is_chosen_on_the_validation_split(page):
    rows = page.attributes("tr")[-len(page.cells) :]
    marked = [i for i, row in enumerate(rows) if row.get("class") == "best"]
    expected = [["200", "fid", "test"], ["200", "fid", "validation"]]  # by test it would be 100
    assert [page.cells[i][:3] for i in marked] == expected
    assert "Step 200 has the best FID" in page.text


def test_the_best_and_the_last_checkpoint_stand_side_by_side(page):
    header, *rows = page.tables[0]
    steps = ["Best, step 200", "Last, step 300", "Real samples"]
    assert header == ["Metric", "Split", *steps, "Protocol"]
    assert [row[:4] for row in rows] == [
        ["fid", "test", "41.000", "none: two samples are <not> finite"],
        ["fid", "validation", "40.250", "40.500"],
    ]


def test_each_protocol_has_a_row_of_its_own(run, gan, dataset, scores, read_page):
    other = scores[4] | {"protocol_id": "digits-validation300-k5", "value": 3.0}
    rows = [*scores, other]
    (run / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = read_page(write_report(str(run), gan, dataset))
    found = {row[5]: row[2:4] for row in page.tables[0][1:]}
    assert found["digits-validation300"] == ["40.250", "40.500"]
    assert found["digits-validation300-k5"] == ["not scored", "3.0000"]


def test_the_best_step_is_that_of_the_checkpoint_that_is_kept(run, gan, dataset, read_page):
    kept = {"step": 300, "checkpoint": "0", "metric": "fid", "split": "validation", "value": 40.5}
    folder = run / "checkpoints" / "best"
    folder.mkdir(parents=True)
    (folder / "best.json").write_text(json.dumps(kept | {"protocol_id": "digits-validation300"}))
    assert best.read(run)["step"] == 300
    assert "Step 300 has" in read_page(write_report(str(run), gan, dataset)).text


def test_a_sentence_on_top_tells_the_score_of_the_best_checkpoint(
    page, run, gan, dataset, read_page
):
    said = "FID 41.000 on the test split at step 200, the best of 3 checkpoints on validation."
    assert said in page.text
    (run / "scores.jsonl").write_text("")
    assert "the best of" not in read_page(write_report(str(run), gan, dataset)).text


def test_without_validation_scores_no_step_is_the_best(run, gan, dataset, scores, read_page):
    rows = [row for row in scores if row["split"] == "test"]
    (run / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = read_page(write_report(str(run), gan, dataset))
    assert "no step is the best" in page.text
    assert not any(row.get("class") for row in page.attributes("tr"))


def test_facts_settings_and_manifest_are_there_and_escaped(page):
    for fact in (
        "1,234 parameters, averaged",
        "digits, 183 of shape 8 × 8 × 1",
        "not used",
        "30 s",
    ):
        assert fact in page.text
    assert "train.seed = 7  # <script>alert('&')</script>" in page.text
    assert "packages.keras 3.15.1" in " ".join(page.text.split())
    assert "CPU:0 GPU:0 (A <b>)" in page.text
    assert "(A <b>" not in page.source


def test_the_name_of_the_run_is_escaped(tmp_path, gan, dataset, read_page):
    page = read_page(write_report(str(tmp_path / "a<i>&b"), gan, dataset))
    assert "a<i>&b" in page.text and "<i>" not in page.source


def test_what_is_missing_is_said_in_words(tmp_path, gan, dataset, read_page):
    page = read_page(write_report(str(tmp_path / "new"), gan, dataset))
    for words in ("no scores yet", "no log of its losses", "no config.gin", "no manifest.json"):
        assert words in page.text
    assert len(page.attributes("img")) == 2


@pytest.mark.parametrize(
    "rest", [b'{"step": 40', b'{"step": 400, "valu\xc3', b"\x00\xff", b"7\n[]\n"]
)
def test_half_written_lines_are_left_out(rest, page, run, gan, dataset, read_page):
    for name in ("scores.jsonl", "logs/train.jsonl"):
        with open(run / name, "ab") as file:
            file.write(rest)
    assert read_page(write_report(str(run), gan, dataset)).source == page.source


def test_a_damaged_manifest_and_losses_that_are_not_finite_do_not_matter(
    run, gan, dataset, read_page
):
    (run / "manifest.json").write_text('{"starts": [')
    (run / "logs" / "train.jsonl").write_text('{"step": 1, "generator/loss": NaN}\n')
    page = read_page(write_report(str(run), gan, dataset))
    assert "no manifest.json" in page.text
    assert "generator/loss: no values." in "".join(page.charts())


def test_points_are_drawn_as_a_scatter_in_both_colour_schemes(tmp_path, gan, read_page):
    gan.images = np.random.default_rng(1).standard_normal((2000, 2)).astype(np.float32)
    dataset = Dataset("ring", {"train": Split(gan.images[:500])})
    page = read_page(write_report(str(tmp_path), gan, dataset))
    assert set(page.pictures()) == {f"2000 points from the {x}" for x in ("generator", "data set")}
    assert len(page.attributes("source")) == 2


def test_the_asked_step_is_loaded(run, gan, dataset, read_page, monkeypatch):
    loaded = []

    def restore(gan, model_dir, step):
        loaded.append((model_dir, step))
        gan.step = step

    monkeypatch.setattr(checkpoints, "restore_players", restore)
    write_report(str(run), gan, dataset)
    assert loaded == []
    page = read_page(write_report(str(run), gan, dataset, step=0))  # a new GAN is at step 0 too
    assert loaded == [(str(run), 0)] and "Generated, step 0" in page.text


def test_a_report_that_cannot_be_written_is_the_users_to_cure(run, gan, dataset):
    (run / "report").write_text("in the way")
    with pytest.raises(UserError, match="cannot write .*/report/index.html") as caught:
        write_report(str(run), gan, dataset)
    assert "\n" not in str(caught.value)


def test_drawings_leave_pyplot_alone():
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    assert drawings.scatter(np.zeros((3, 2)), np.array([[0, 0], [1, 1]])).startswith(b"\x89PNG")
    assert drawings.text(["$\\frac{", "two"]).startswith(b"\x89PNG")
    assert pyplot.get_fignums() == [] and dict(matplotlib.rcParams) == before


def test_a_curve_holds_its_values_and_takes_a_logarithm_where_they_span_a_decade():
    nan = float("nan")
    series = {"test": ([1, 2, 3], [200.0, nan, 12.5]), "<b>": ([1], [30.0])}
    made = curves.lines(
        series, title="FID", y_label="FID", mark=(3, 12.5, "best"), levels={"test": 2.0}
    )
    assert [trace.name for trace in made.data] == [
        "test",
        "test, real samples",
        "&lt;b&gt;",
        "best",
    ]
    first, level, _, mark = made.data
    assert list(first.x) == [1, 2, 3] and first.y[0] == 200.0 and np.isnan(first.y[1])
    assert list(level.y) == [2.0, 2.0] and level.line.color == first.line.color
    assert (mark.x[0], mark.y[0]) == (3, 12.5)
    assert made.layout.yaxis.type == "log"
    for values in ([200.0, 21.0], [-1.0, 5.0], [0.0, 5.0], [nan]):
        plain = curves.lines({"a": ([1, 2][: len(values)], values)}, title="a", y_label="a")
        assert plain.layout.yaxis.type == "linear"


def test_each_colour_has_a_counterpart_in_the_dark():
    pairs = theme.in_the_dark()
    assert len({*theme.LIGHT.series}) == len({*theme.DARK.series}) == len(theme.LIGHT.series)
    assert pairs["#0072b2"] == "#58b0ea" and pairs["rgba(0,114,178,"] == "rgba(88,176,234,"
    assert theme.faint("#0072b2", 0.2) == "rgba(0,114,178,0.2)"


def contrast(first, second):
    """WCAG 2.2's contrast ratio of two colours #rrggbb."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", theme.THEMES.values(), ids=theme.THEMES)
def test_colours_stand_out_from_the_page(colours):
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast(colours.text, colours.page) > 7 and contrast(colours.quiet, colours.page) > 4.5
    assert min(contrast(one, colours.page) for one in colours.series) >= 3.0


def test_a_metric_scored_at_one_step_has_no_curve():
    rows = [
        {"metric": "fid", "split": split, "protocol_id": "p", "step": step, "value": value}
        for step, split, value in ((1, "test", 2.0), (1, "validation", 3.0), (2, "test", None))
    ]
    assert page._score_diagrams(rows, None) == []
    rows[-1]["value"] = 1.0
    (diagram,) = page._score_diagrams(rows, None)
    assert diagram["title"] == "FID by step"


# --- Warnings, floor and class names ----------------------------------------------------------


def write_rows(run, name, rows):
    (run / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_warnings_stand_beside_their_scores_and_once_in_words(run, gan, dataset, scores, read_page):
    scores[2]["warnings"] = ["300 fakes: fid needs 10,000", "<b>pixels</b>"]
    scores[3]["warnings"] = ["<b>pixels</b>"]
    write_rows(run, "scores.jsonl", scores)
    page = read_page(write_report(str(run), gan, dataset))
    items = [a["id"] for a in page.attributes("li")]
    assert items == ["warning-0", "warning-1"]
    assert page.text.count("300 fakes: fid needs 10,000") == 1  # and as titles of its marks
    assert "<b>" not in page.source and "<b>pixels</b>" in page.text
    cells = {tuple(row[1:3]): row[3] for row in page.cells[1:] if row[0] == "200"}
    assert cells["fid", "test"] == "41.000⚠1" and cells["fid", "validation"] == "40.250⚠2⚠1"
    marks = [a for a in page.attributes("a") if a.get("class") == "caution"]
    assert {mark["href"] for mark in marks} == {"#warning-0", "#warning-1"}


def test_without_warnings_there_is_no_list(page):
    assert page.attributes("ol") == [] and "⚠" not in page.text


@pytest.fixture
def floors(make_score):
    rows = [make_score(0, "validation", 3.5), make_score(0, "test", 4.5, interval=[4.0, 5.0])]
    for row in rows:
        row["protocol"]["fake"] = "real samples of the split train"
        row["protocol_id"] = f"real-{row['split']}"
    return rows


def test_the_floor_is_in_facts_tables_and_diagrams(run, gan, dataset, floors, read_page):
    write_rows(run, "scores.floor.jsonl", floors)
    page = read_page(write_report(str(run), gan, dataset))
    facts = " ".join(page.text.split())
    assert (
        "FID, validation 40.250 FID, test 41.000 FID, test, of real samples 4.5000 [4.0000, 5.0"
        in facts
    )
    assert [row[4] for row in page.tables[0]] == [
        "Real samples",
        "4.5000[4.0000, 5.0000]",
        "3.5000",
    ]
    assert len(page.cells) == 7  # it is no score of a checkpoint
    (words,) = [text for text in page.charts() if text.startswith("FID by step")]
    assert "validation, real samples: 3.5000." in words and "test, real samples: 4.5000." in words


@pytest.mark.parametrize(
    ("level", "bounds", "said"),
    [
        (45.0, [40.5, 49.5], "but within its interval: chance"),
        (45.0, [43.0, 47.0], "beyond its interval: fakes that repeat"),
        (4.5, [4.0, 5.0], None),
    ],
)
def test_fakes_that_score_better_than_real_samples_are_explained(
    run, gan, dataset, make_score, read_page, level, bounds, said
):
    floor = make_score(0, "test", level, interval=bounds)
    floor["protocol"]["fake"] = "real samples of the split train"
    write_rows(run, "scores.floor.jsonl", [floor])
    text = " ".join(read_page(write_report(str(run), gan, dataset)).text.split())
    assert ("Better than the floor" in text) == (said is not None)
    if said:
        assert said in text and "(fid test, step 200)." in text


def test_a_floor_of_another_protocol_is_not_theirs(run, gan, dataset, floors, read_page):
    for row in floors:
        row["protocol"]["n_real"] = 50
    write_rows(run, "scores.floor.jsonl", floors)
    page = read_page(write_report(str(run), gan, dataset))
    assert [row[4] for row in page.tables[0][1:]] == ["not scored"] * 2
    assert "of real samples" not in page.text


def test_a_level_is_of_a_series_that_is_shown():
    series = {"test": ([1, 2], [5.0, 4.0])}
    made = curves.lines(series, title="FID", y_label="FID", levels={"other": 1.0})
    assert [trace.name for trace in made.data] == ["test"]


def test_classes_have_their_names_above_their_columns(run, conditional_gan, dataset, read_page):
    names = ("<i>zero</i>", *(f"class {i}" for i in range(1, 10)))
    named = dataclasses.replace(dataset, class_names=names)
    page = read_page(write_report(str(run), conditional_gan, named))
    heads = [a["title"] for a in page.attributes("span") if "title" in a]
    assert heads == [*names, *names]  # above the generated ones and above the real ones
    assert "<i>" not in page.source and "<i>zero</i>" in page.text


def test_names_that_are_not_known_for_all_columns_are_left_out(
    run, conditional_gan, gan, dataset, read_page
):
    few = dataclasses.replace(dataset, num_classes=2, class_names=("zero", "one"))
    for model in (conditional_gan, gan):  # too few, or no columns of classes
        page = read_page(write_report(str(run), model, few))
        assert not any("title" in a for a in page.attributes("span"))


# --- Files of others, and files that lie ------------------------------------------------------


@pytest.mark.parametrize("name", ["index.html", "samples.png"])
def test_files_of_others_are_not_overwritten(run, gan, dataset, name):
    (run / "report").mkdir()
    (run / "report" / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} is there and is no report of ours") as caught:
        write_report(str(run), gan, dataset)
    assert "\n" not in str(caught.value)
    assert os.listdir(run / "report") == [name] and (run / "report" / name).read_text() == "mine"
    (run / "report" / name).unlink()
    write_report(str(run), gan, dataset)
    write_report(str(run), gan, dataset)  # its own it replaces


LIES = [
    "Infinity", "-1", "1e400", "true", '"<script>"', "[]", "{}", "null", "9" * 400, "[" * 5000,
    "NaN", "-Infinity", "1e308", '"$\\\\frac{"',
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_no_value_in_a_log_or_in_scores_breaks_the_page(run, gan, dataset, scores, lie, read_page):
    lines = [f'{{"step": {lie}, "seconds": {lie}, "generator/loss": {lie}}}',
             f'{{"step": 400, "seconds": {lie}, "generator/loss": {lie}, "$\\frac{{": {lie}}}',
             f"[{lie}]"]  # fmt: skip
    with open(run / "logs" / "train.jsonl", "a") as file:
        file.write("\n".join(lines) + "\n")
    for field in scores[0]:
        row = json.dumps(scores[4] | {field: "LIE"}).replace('"LIE"', lie)
        with open(run / "scores.jsonl", "a") as file:
            file.write(row + "\n")
    (run / "manifest.json").write_text(f'{{"starts": {lie}}}')
    (run / "scores.floor.jsonl").write_text(f"{lie}\n" + row + "\n")
    folder = run / "checkpoints" / "best"
    folder.mkdir(parents=True)
    kept = {"step": 300, "checkpoint": "0", "metric": "fid", "split": "validation", "value": 40.5}
    for field in kept:
        text = json.dumps(kept | {"protocol_id": "x", field: "LIE"}).replace('"LIE"', lie)
        (folder / "best.json").write_text(text)
        found = best.read(run)
        assert found is None or isinstance(found["step"], int)
    page = read_page(write_report(str(run), gan, dataset))  # which knows every script of ours
    assert page.charts()


def test_a_long_line_of_garbage_costs_little_memory(run, gan, dataset, page, read_page):
    with open(run / "scores.jsonl", "ab") as file:
        file.write(b"x" * (40 << 20) + b"\n")
    tracemalloc.start()
    rows = results.read(results.path(run))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(rows) == 6 and peak < 16 << 20
