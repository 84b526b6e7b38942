"""A run whose samples and files are known exactly, and a reader of its page."""

import base64
import gzip
import html.parser
import io
import json
import types

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf.data import Dataset, Split
from compare_gan_tf.report import write_report

VOID = {"input", "meta", "img", "source", "link", "br", "hr"}


class FakeGan:
    """Sample i is images[i]; or, with labels, an image of brightness 20 label everywhere."""

    step = 300

    @property
    def current_step(self):
        return int(self.step)

    uses_ema = True
    latents = None
    sampling_generator = types.SimpleNamespace(count_params=lambda: 1234)
    discriminator = types.SimpleNamespace(count_params=lambda: 567)

    def __init__(self, images, num_classes=None):
        self.images = images  # uint8
        self.num_classes = num_classes

    def sample(self, num, seed, truncation=0.0, labels=None):
        images = self.images[:num]
        if labels is not None:
            images = np.broadcast_to(np.reshape(labels, (-1, 1, 1, 1)) * 20, images.shape)
        if images.dtype == np.float32:
            return images
        return images.astype(np.float32) / 127.5 - 1.0


@pytest.fixture(scope="session")
def images():
    return np.random.default_rng(0).integers(0, 256, (96, 8, 8, 1), dtype=np.uint8)


@pytest.fixture
def gan(images):
    return FakeGan(images)


@pytest.fixture
def conditional_gan(images):
    return FakeGan(images, num_classes=10)


@pytest.fixture(scope="session")
def dataset():
    """Real images of label k have brightness 20 k + 5 everywhere; label 9 has only three."""
    labels = np.concatenate([np.tile(np.arange(9), 20), [9, 9, 9]]).astype(np.int32)
    images = np.broadcast_to((labels * 20 + 5)[:, None, None, None], (len(labels), 8, 8, 1))
    return Dataset("digits", {"train": Split(images.astype(np.uint8), labels)}, num_classes=10)


def score(step, split, value, **changes):
    protocol = {"extractor": "digits-cnn", "real_split": split, "n_real": 300, "resize": None}
    return {
        "run": "run", "step": step, "checkpoint": "0" * 16, "split": split, "metric": "fid",
        "value": value, "reason": None if value is not None else "two samples are <not> finite",
        "interval": None, "protocol": protocol, "protocol_id": f"digits-{split}300",
        "seconds": 0.5, "time": "2026-11-21T06:24:33+00:00",
    } | changes  # fmt: skip


@pytest.fixture
def make_score():
    """A function (step, split, value, changes) -> a row of scores."""
    return score


SCORES = [
    score(100, "validation", 80.12345678901234),
    score(100, "test", 10.5),
    score(200, "validation", 40.25),
    score(200, "test", 41.0),
    score(300, "validation", 40.5),
    score(300, "test", None),
]


@pytest.fixture
def scores():
    return [dict(row) for row in SCORES]


def write_run(folder, scores):
    """Makes the folder of a run with a log, scores, a config and a manifest."""
    (folder / "logs").mkdir(parents=True)
    rows = [
        {"step": 100 * i, "seconds": 10.0 * i, "steps_per_second": 10.0,
         "discriminator/loss": 1.0 / i, "discriminator/adversarial/real": 0.5,
         "generator/loss": 0.1 * i}
        for i in (1, 2, 3)
    ]  # fmt: skip
    (folder / "logs" / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "scores.jsonl").write_text("".join(json.dumps(r) + "\n" for r in scores))
    (folder / "config.gin").write_text("train.seed = 7  # <script>alert('&')</script>\n")
    start = {"seed": 7, "packages": {"keras": "3.15.1"}, "devices": ["CPU:0", "GPU:0 (A <b>)"]}
    (folder / "manifest.json").write_text(json.dumps({"starts": [start]}))
    return folder


@pytest.fixture
def run(tmp_path, scores):
    """The folder of a run of the test's own."""
    return write_run(tmp_path / "run", scores)


@pytest.fixture(scope="session")
def page(tmp_path_factory, images, dataset, read_page):
    """The page of an unconditional run, for all tests that only read."""
    folder = write_run(tmp_path_factory.mktemp("page") / "run", SCORES)
    return read_page(write_report(str(folder), FakeGan(images), dataset))


class Page(html.parser.HTMLParser):
    """Every tag with its attributes, and the text of the page; refuses unbalanced tags.

    `source` is the page up to its scripts, of which there are always three: `data` is the first.
    """

    def __init__(self, path):
        super().__init__()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.source, *scripts = text.split("<script")
        heads, contents = zip(*(one.split(">", 1) for one in scripts), strict=True)
        assert heads == (' type="text/plain" id="data"', ' type="text/plain" id="plotly"', "")
        packed, self.library = (
            gzip.decompress(base64.b64decode(one.partition("<")[0], validate=True))
            for one in contents[:2]
        )
        self.data = json.loads(packed)
        self.path = path
        self.tags, self.open, self.text, self.tables = [], [], "", []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "title", "script"):
            self.text += " " + data
        if self.open and {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data.strip()

    @property
    def cells(self):
        """Of the table with all scores."""
        return self.tables[-1]

    def attributes(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def charts(self):
        """{what a figure shows in words: the figure as JSON}."""
        shown = [one for one in self.attributes("div") if one.get("class") == "chart"]
        return {one["aria-label"]: self.data["figures"][one["data-figure"]] for one in shown}

    def pictures(self):
        """The pictures of the page as arrays [H, W, channels], by alt text."""
        return {one["alt"]: decode_uri(one["src"]) for one in self.attributes("img")}


def decode_uri(uri):
    kind, _, content = uri.partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content, validate=True))))


@pytest.fixture(scope="session")
def read_page():
    return Page
