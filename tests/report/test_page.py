"""What the page shows, and that it shows it alone."""

import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import best, checkpoints
from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.errors import UserError
from compare_gan_tf.report import figures, page, write_report


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
    assert not names & {"script", "link", "iframe", "object", "embed", "base"}
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    for _, attributes in page.tags:
        for key in ("src", "srcset"):
            assert attributes.get(key, "data:").startswith("data:")
        if "href" in attributes:
            assert attributes["href"][0] == "#" and attributes["href"][1:] in identifiers
    assert not re.search(r"http|url\(|@import", page.source)


def test_every_picture_says_in_words_what_it_shows(page):
    words = list(page.pictures())
    assert len(words) == len(page.attributes("img")) == 5
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
    assert identifiers[:2] == ["protocol-0", "protocol-1"] and "protocol-2" not in identifiers
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
    assert header == ["Metric", "Split", "Best, step 200", "Last, step 300", "Protocol"]
    assert [row[:4] for row in rows] == [
        ["fid", "test", "41.000", "none: two samples are <not> finite"],
        ["fid", "validation", "40.250", "40.500"],
    ]


def test_each_protocol_has_a_row_of_its_own(run, gan, dataset, scores, read_page):
    other = scores[4] | {"protocol_id": "digits-validation300-k5", "value": 3.0}
    rows = [*scores, other]
    (run / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = read_page(write_report(str(run), gan, dataset))
    found = {row[4]: row[2:4] for row in page.tables[0][1:]}
    assert found["digits-validation300"] == ["40.250", "40.500"]
    assert found["digits-validation300-k5"] == ["not scored", "3.0000"]


def test_the_best_step_is_that_of_the_checkpoint_that_is_kept(run, gan, dataset, read_page):
    kept = {"step": 300, "checkpoint": "0", "metric": "fid", "split": "validation", "value": 40.5}
    folder = run / "checkpoints" / "best"
    folder.mkdir(parents=True)
    (folder / "best.json").write_text(json.dumps(kept | {"protocol_id": "digits-validation300"}))
    assert best.read(run)["step"] == 300
    assert "Step 300 has" in read_page(write_report(str(run), gan, dataset)).text


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
    assert "<script" not in page.source and "(A <b>" not in page.source


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
    assert "generator/loss: no values." in "".join(page.pictures())


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


def test_diagrams_leave_pyplot_alone():
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    png = figures.lines({"a": ([1, 2], [1.0, float("nan")])}, y_label="loss", mark=(1, 1.0, "here"))
    assert png.startswith(b"\x89PNG")
    assert pyplot.get_fignums() == [] and dict(matplotlib.rcParams) == before


def test_a_metric_scored_at_one_step_has_no_curve():
    rows = [
        {"metric": "fid", "split": split, "protocol_id": "p", "step": step, "value": value}
        for step, split, value in ((1, "test", 2.0), (1, "validation", 3.0), (2, "test", None))
    ]
    assert page._score_diagrams(rows, None) == []
    rows[-1]["value"] = 1.0
    (diagram,) = page._score_diagrams(rows, None)
    assert diagram["title"] == "FID by step"
