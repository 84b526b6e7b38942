"""The Content Security Policy of a page: hashes name what it holds, and nothing else runs."""

import base64
import hashlib
import html
import html.parser

import comparisons
import pytest

from compare_gan_tf.report import write_comparison


class Page(html.parser.HTMLParser):
    """The policy of a page, and the texts of the scripts that run and of the styles."""

    def __init__(self, source: str):
        super().__init__(convert_charrefs=False)
        self.policy, self.texts, self.attributes = None, {"script": [], "style": []}, set()
        self._within = None
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.attributes |= found.keys()
        if found.get("http-equiv") == "Content-Security-Policy":
            parts = (one.strip().partition(" ") for one in found["content"].split(";"))
            self.policy = {name: sources.split() for name, _, sources in parts}
        self._within = None
        if tag in self.texts and found.get("type") != "text/plain":
            self._within = tag
            self.texts[tag].append("")

    def handle_data(self, data):
        if self._within:
            self.texts[self._within][-1] += data

    def handle_endtag(self, tag):
        self._within = None


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    comparison = comparisons.comparison(norms=("none",), seeds=2, settings=1)
    path = write_comparison(comparison, {}, str(tmp_path_factory.mktemp("page") / "index.html"))
    with open(path, encoding="utf-8") as file:
        return Page(file.read())


def source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_scripts_and_styles_are_those_whose_hashes_are_named(page):
    assert len(page.texts["script"]) == 1 and len(page.texts["style"]) >= 1
    for kind, directive in (("script", "script-src"), ("style", "style-src-elem")):
        assert {source(text) for text in page.texts[kind]} <= set(page.policy[directive])
        assert len(page.policy[directive]) == 2  # Plotly, and its style without a text
        assert all(one.startswith("'sha256-") for one in page.policy[directive])


def test_nothing_is_loaded_sent_or_run_from_an_attribute(page):
    assert page.policy["default-src"] == ["'none'"]
    assert page.policy["base-uri"] == page.policy["form-action"] == ["'none'"]
    assert page.policy["img-src"] == ["data:", "blob:"]
    assert not [name for name in page.attributes if name.startswith("on")]
