"""The pages in a real browser, headless: what is drawn, clicked, printed and asked for."""

import time

import browser
import comparisons
import numpy as np
import pytest

from compare_gan_tf.data.images import encode_png
from compare_gan_tf.report import pictured, write_comparison, write_figures, write_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not browser.executable(), reason="there is no Chromium here"),
]
READY = "document.documentElement.dataset.ready"
HOSTILE = "</script><script>window.bad = 1</script><b>&amp;"
MOST_SECONDS = 3.0  # until 300 runs can be read, on an idle core


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    comparison = comparisons.comparison()
    png = encode_png(np.zeros((64, 64, 3), np.uint8))
    grids = {one.run: png for one in pictured(comparison)}
    folder = tmp_path_factory.mktemp("comparison")
    return write_comparison(comparison, grids, str(folder / "index.html"), {"norm": 0.6})


@pytest.fixture(scope="module")
def shown(path, tmp_path_factory):
    """The page of 300 runs, all of whose figures were in view."""
    with browser.Browser(tmp_path_factory.mktemp("profile")) as opened:
        opened.open(path, READY)
        opened.scroll_through()
        yield opened


def column(shown, table, number):
    return shown.run(
        f"[...document.getElementById('{table}').tBodies[0].rows].filter(row => !row.hidden)"
        f".map(row => row.cells[{number}].textContent.trim())"
    )


def test_300_runs_are_shown_in_little_time(path, tmp_path):
    with browser.Browser(tmp_path / "profile") as opened:
        opened.open(path, READY)
        assert opened.seconds() < MOST_SECONDS


def test_all_figures_are_drawn_without_an_error_or_a_request(shown, path):
    drawn = shown.run(
        "[...document.querySelectorAll('.chart')].map(one => "
        "one.querySelectorAll('svg.main-svg').length)"
    )
    assert len(drawn) == 13 - 1 and min(drawn) >= 1
    assert shown.errors == []
    assert [url for url in shown.requested if not url.startswith(("data:", "blob:"))] == [
        f"file://{path}"
    ]


def test_a_click_on_a_head_sorts_and_another_one_turns(shown):
    click = "document.querySelectorAll('#table-leaderboard th button')[{}].click()"
    shown.run(click.format(2))  # the score
    up = column(shown, "table-leaderboard", 0)
    shown.run(click.format(2))
    assert up == [str(i) for i in range(1, 13)]
    assert column(shown, "table-leaderboard", 0) == up[::-1]
    assert shown.run("document.querySelector('[aria-sort]').ariaSort") == "descending"
    shown.run(click.format(1))
    names = column(shown, "table-leaderboard", 1)
    assert names == sorted(names)
    shown.run(click.format(0))


def test_rows_are_filtered_by_words_and_by_status(shown):
    box = "document.querySelector('[data-filters=table-runs]')"
    event = "dispatchEvent(new Event('input', {bubbles: true}))"
    shown.run(f"{box}.querySelector('input').value = 'HINGE seed3'")
    shown.run(f"{box}.querySelector('input').{event}")
    names = column(shown, "table-runs", 0)
    assert len(names) == 20 and all("hinge" in name and "seed3" in name for name in names)
    assert shown.run(f"{box}.querySelector('output').textContent") == "20 of 300"
    shown.run(f"{box}.querySelector('input').value = ''")
    shown.run(f"{box}.querySelector('select').value = 'failed'")
    shown.run(f"{box}.querySelector('select').{event}")
    assert set(column(shown, "table-runs", 3)) == {"failed"}
    shown.run(f"{box}.querySelector('select').value = ''")
    shown.run(f"{box}.querySelector('select').{event}")
    assert len(column(shown, "table-runs", 0)) == 300


def visible(shown, figure):
    return shown.run(
        f"document.querySelector('[data-figure={figure}]').data"
        ".filter(one => one.visible !== false && one.showlegend !== false).map(one => one.name)"
    )


def test_the_legend_hides_a_variant_in_all_figures_or_shows_it_alone(shown):
    chip = (
        "[...document.querySelectorAll('.legend button')].find(one => one.value === 'hinge, none')"
    )
    everything = visible(shown, "budget")
    assert len(everything) == 12 and "hinge, none" in everything
    shown.run(f"{chip}.dispatchEvent(new MouseEvent('click', {{detail: 1, bubbles: true}}))")
    for figure in ("budget", "learning", "profile", "parallel", "top"):
        names = visible(shown, figure)
        assert len(names) == 11 and "hinge, none" not in names, figure
    for detail in (1, 2):
        shown.run(
            f"{chip}.dispatchEvent(new MouseEvent('click', {{detail: {detail}, bubbles: true}}))"
        )
    assert visible(shown, "budget") == visible(shown, "learning") == ["hinge, none"]
    for detail in (1, 2):
        shown.run(
            f"{chip}.dispatchEvent(new MouseEvent('click', {{detail: {detail}, bubbles: true}}))"
        )
    assert visible(shown, "budget") == everything


def click(shown, names, name, clicks=1):
    chip = f"document.querySelectorAll('.legend button')[{names.index(name)}]"
    for detail in range(1, clicks + 1):
        shown.run(
            f"{chip}.dispatchEvent(new MouseEvent('click', {{detail: {detail}, bubbles: true}}))"
        )


def axis(shown, figure, letter):
    """The texts at an axis as they are drawn."""
    return shown.run(
        f"[...document.querySelectorAll('[data-figure={figure}] .{letter}tick text')]"
        ".map(one => one.textContent)"
    )


def test_the_legend_hides_a_variant_where_variants_are_rows_and_columns(shown):
    names = shown.run("[...document.querySelectorAll('.legend button')].map(one => one.value)")
    places = [("pairwise", "x"), ("pairwise", "y"), ("ranks", "y"), ("ends", "y")]
    places += [("leaderboard", "y"), ("top", "x")]
    cards = "[...document.querySelectorAll('.sets .card')].filter(one => one.clientWidth).length"
    before = {place: axis(shown, *place) for place in places}
    matrix = "document.querySelector('[data-figure=pairwise]').data[0]"
    text, rows_of = shown.run(f"{matrix}.text"), shown.run(f"{matrix}.y")
    assert len(names) == 12 == shown.run(cards)
    click(shown, names, "hinge, none")
    for place in places:
        left = [name for name in before[place] if name != "hinge, none"]
        assert len(before[place]) == 12 and axis(shown, *place) == left, place
    # Each cell that is left has the number that it had.
    gone = rows_of.index("hinge, none")
    rows = [row[:gone] + row[gone + 1 :] for row in text[:gone] + text[gone + 1 :]]
    assert shown.run(f"{matrix}.text") == rows and shown.run(f"{matrix}.z.length") == 11
    assert shown.run(cards) == 11
    title = "document.querySelector('[data-figure=ranks] .xtitle').textContent"
    assert shown.run(title) == "rank among all variants"
    click(shown, names, "hinge, none", clicks=2)
    assert axis(shown, "ranks", "y") == axis(shown, "ends", "y") == ["hinge, none"]
    assert axis(shown, "pairwise", "y") == []  # there is no pair
    click(shown, names, "hinge, none")  # all of them are hidden
    assert axis(shown, "ranks", "y") == axis(shown, "ends", "y") == [] and shown.errors == []
    click(shown, names, "hinge, none")
    click(shown, names, "hinge, none", clicks=2)
    assert {place: axis(shown, *place) for place in places} == before
    assert shown.run(f"{matrix}.text") == text and shown.run(cards) == 12


def test_a_table_is_saved_as_csv(shown):
    text = shown.run(
        """new Promise(done => {
            const made = URL.createObjectURL;
            URL.createObjectURL = blob => { blob.text().then(done); return made(blob); };
            HTMLAnchorElement.prototype.click = () => {};
            document.querySelector('button[data-table=leaderboard][data-save=csv]').click();
            URL.createObjectURL = made;
        })"""
    )
    assert text.startswith("place,task,variant,best,best_low,best_high,letters,")
    assert text.count("\r\n") == 13


def test_names_are_text_and_run_nothing(tmp_path):
    runs = [
        comparisons.run({HOSTILE: value}, score, seed, task=HOSTILE, setting={HOSTILE: HOSTILE})
        for value, scores in ((HOSTILE, [1.0, 2.0, 4.0]), ("b", [3.0, 5.0, None]))
        for seed, score in enumerate(scores)
    ]
    comparison = comparisons.of_runs(runs, title=HOSTILE, provenance={HOSTILE: HOSTILE})
    path = write_comparison(comparison, {}, str(tmp_path / "a.html"), {HOSTILE: 1.0})
    with browser.Browser(tmp_path / "profile") as opened:
        opened.open(path, READY)
        opened.scroll_through()
        assert opened.run("window.bad") is None and opened.errors == []
        assert opened.run("document.title") == HOSTILE
        assert opened.run("document.querySelector('h1').textContent") == HOSTILE
        labels = opened.run(
            "[...document.querySelectorAll('[data-figure=leaderboard] .ytick text')]"
            ".map(one => one.textContent)"
        )
        assert sorted(labels) == sorted([HOSTILE, "b"])
        hover = opened.run(
            """(() => {
                const chart = document.querySelector('[data-figure=parallel]');
                Plotly.Fx.hover(chart, [{curveNumber: 0, pointNumber: 0}]);
                return chart.querySelector('.hoverlayer').textContent;
            })()"""
        )
        assert runs[0].name in hover


@pytest.mark.parametrize("width", [1300, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_and_has_the_colours_of_its_scheme(path, tmp_path, width, dark):
    with browser.Browser(tmp_path / "profile", width=width, dark=dark) as opened:
        opened.open(path, READY)
        opened.scroll_through()
        assert opened.run("document.documentElement.scrollWidth") == width  # nothing sticks out
        wide = opened.run(
            "[...document.querySelectorAll('.chart svg.main-svg')]"
            ".filter(one => one.getBoundingClientRect().right > innerWidth).length"
        )
        assert wide == 0
        page = opened.run("getComputedStyle(document.body).backgroundColor")
        text = opened.run("getComputedStyle(document.querySelector('.xtick text')).fill")
        line = opened.run("document.querySelector('[data-figure=budget]').data[1].line.color")
        assert sum(map(int, page[4:-1].split(","))) < 100 if dark else page == "rgb(246, 247, 249)"
        assert text == ("rgb(228, 230, 234)" if dark else "rgb(31, 34, 38)")
        assert line == ("#58b0ea" if dark else "#0072b2")
        assert opened.errors == []


def test_a_change_of_the_scheme_recolours_what_is_drawn(path, tmp_path):
    with browser.Browser(tmp_path / "profile") as opened:
        opened.open(path, READY)
        opened.scroll_through()
        opened.scheme(dark=True)
        colour = "document.querySelector('[data-figure=budget]').data[1].line.color"
        end = time.monotonic() + 30
        while opened.run(colour) != "#58b0ea" and time.monotonic() < end:
            time.sleep(0.1)
        assert opened.run(colour) == "#58b0ea"


@pytest.mark.parametrize(
    "added",
    [
        "Object.assign(document.createElement('script'), {textContent: 'window.bad = 1'})",
        "Object.assign(document.createElement('style'), {textContent: 'body {display: none}'})",
        "document.createRange().createContextualFragment('<b onclick=\"window.bad = 1\">x</b>')",
        "Object.assign(document.createElement('img'), {src: 'https://example.com/x.png'})",
        "Object.assign(document.createElement('iframe'), {src: 'https://example.com/'})",
        "document.createRange().createContextualFragment('<base href=\"https://example.com/\">')",
    ],
)
def test_what_the_policy_does_not_name_is_refused(path, tmp_path, added):
    with browser.Browser(tmp_path / "profile") as opened:
        opened.open(path, READY)
        opened.run(f"document.body.append({added})")
        opened.run("document.querySelector('b[onclick]')?.click()")
        assert opened.run("window.bad") is None
        assert opened.run("getComputedStyle(document.body).display") == "block"
        assert any("Content Security Policy" in str(one) for one in opened.errors)


def test_the_printed_page_is_light_and_has_every_figure(path, tmp_path):
    with browser.Browser(tmp_path / "profile", dark=True) as opened:
        opened.open(path, READY)
        assert opened.pdf().startswith(b"%PDF")
        drawn = opened.run("[...document.querySelectorAll('.chart svg.main-svg')].length")
        assert drawn >= 12 and opened.errors == []


def test_the_page_of_a_run_draws_its_curves(run, gan, dataset, tmp_path):
    path = write_report(str(run), gan, dataset)
    with browser.Browser(tmp_path / "profile") as opened:
        opened.open(path, READY)
        opened.scroll_through()
        assert opened.run("document.querySelectorAll('.chart svg.main-svg').length") >= 3
        names = opened.run("document.querySelector('.chart').data.map(one => one.name)")
        assert names[:2] == ["test", "validation"]
        fold = "document.getElementById('protocol-0').closest('.fold').open"
        assert opened.run(fold) is False
        opened.run("document.querySelector('a[href=\"#protocol-0\"]').click()")
        assert opened.run(fold) is True
        assert opened.errors == [] and len(opened.requested) == 1 + len(
            [url for url in opened.requested if url.startswith(("data:", "blob:"))]
        )


def test_figures_are_written_as_pdf_and_png(tmp_path):
    pytest.importorskip("kaleido")
    comparison = comparisons.comparison(norms=("none",), seeds=2, settings=2)
    paths = write_figures(comparison, str(tmp_path / "figures"))
    starts = {"pdf": b"%PDF", "png": b"\x89PNG"}
    assert len(paths) >= 16
    for path in paths:
        with open(path, "rb") as file:
            assert file.read(4) == starts[path[-3:]]
