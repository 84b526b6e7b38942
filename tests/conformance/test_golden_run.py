"""Nothing changes silently: runs and ids of scores are those of the last release.

A test fails here if weights, scores or ids are no longer what they were. If that is meant,
say so in CHANGELOG.md, and run tests/helpers/golden_run.py with the words of that entry.
"""

import json
import os
import pathlib
import subprocess
import sys

import golden_run
import pytest

from compare_gan_tf import __version__
from compare_gan_tf.metrics.protocol import Protocol

pytestmark = pytest.mark.optimised_graphs

ROOT = pathlib.Path(__file__).parents[2]
SAY_SO = (
    "the results of a config changed since {}. If that is meant, write an entry in CHANGELOG.md, "
    'then run tests/helpers/golden_run.py --changelog="the words of the entry"'
).format
KEPT = [
    *(ROOT / "compare_gan_tf" / "pretrained" / "zoo").glob("*/model.json"),
    ROOT / "tests" / "runs" / "old_run" / "scores.jsonl",
]


def version(path: pathlib.Path) -> tuple[int, ...]:
    return tuple(map(int, path.stem.split(".")))


RELEASES = {
    path.stem: json.loads(path.read_text())
    for path in sorted(golden_run.RELEASES.glob("*.json"), key=version)
}
LAST = list(RELEASES)[-1]


@pytest.fixture(scope="module", params=golden_run.OBJECTIVES)
def run(request, tmp_path_factory):
    """(name of the objective, what its run is now, what it was in the last release)."""
    now = golden_run.grown(request.param, str(tmp_path_factory.mktemp("run")))
    return request.param, now, RELEASES[LAST]["runs"][request.param]


def test_it_trains_to_the_digits_of_the_last_release(run):
    """On any processor: without oneDNN losses moved by up to 0.017, sizes of weights by 0.04 %."""
    _, now, then = run
    assert now["losses"] == pytest.approx(then["losses"], abs=0.05), SAY_SO(LAST)
    assert now["weights"] == pytest.approx(then["weights"], rel=2e-3), SAY_SO(LAST)


def test_it_scores_as_in_the_last_release(run):
    """Without oneDNN FID moved by up to 0.4 %, shares of the 300 samples by 0.014."""
    _, now, then = run
    assert now["scores"]["fid"] == pytest.approx(then["scores"]["fid"], rel=0.02), SAY_SO(LAST)
    assert now["scores"] == pytest.approx(then["scores"], rel=0.02, abs=0.03), SAY_SO(LAST)
    assert now["ids"] == then["ids"], SAY_SO(LAST)


def test_it_ends_in_the_bits_of_the_last_release(run):
    name, now, _ = run
    hashes = RELEASES[LAST]["hashes"][name]
    if golden_run.machine() not in hashes:
        pytest.skip(f"no hash is kept for {golden_run.machine()}")
    assert now["hash"] == hashes[golden_run.machine()], SAY_SO(LAST)


def test_a_change_of_the_numbers_is_in_the_changelog():
    changelog = " ".join((ROOT / "CHANGELOG.md").read_text().split())
    for name, release in RELEASES.items():
        assert f"## {name} " in changelog
        assert release["changelog"] in changelog, f"CHANGELOG.md says nothing of {name}'s numbers"


def test_the_version_of_today_has_its_numbers():
    assert __version__ == LAST, "run tests/helpers/golden_run.py for the new version"


# --- The ids of scores ------------------------------------------------------------------------


def test_settings_that_ids_hash_are_those_of_the_last_release():
    """A default that changes gives every score of the metric another id."""
    then, now = RELEASES[LAST]["metrics"], golden_run.settings_of_metrics()
    assert len(then) > 30
    assert {name: now.get(name) for name in then} == then, SAY_SO(LAST)


def kept_rows():
    """Rows of scores that earlier versions have written, wherever they are in a file."""

    def rows(value):
        if isinstance(value, dict) and "protocol_id" in value:
            yield value
        elif isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                yield from rows(one)

    for path in KEPT:
        texts = path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]
        for text in texts:
            yield from rows(json.loads(text))


def test_rows_that_are_kept_have_the_ids_of_their_protocols():
    found = {row["protocol_id"]: row["protocol"] for row in kept_rows()}
    assert len(found) >= 17
    assert {Protocol(**protocol).id for protocol in found.values()} == set(found)


def test_ids_that_the_documentation_names_are_those_of_kept_rows():
    named = (ROOT / "docs" / "results.md").read_text()
    assert sum(row["protocol_id"] in named for row in kept_rows()) >= 5


# --- Other processes --------------------------------------------------------------------------


@pytest.mark.slow
def test_two_processes_end_in_the_same_bits():
    """Whatever the order of sets, the folder, the time and the number of threads."""
    found = []
    for number in ("1", "2"):
        done = subprocess.run(
            [sys.executable, golden_run.__file__],
            env=os.environ | {"PYTHONHASHSEED": number, "TF_NUM_INTRAOP_THREADS": number},
            capture_output=True,
            text=True,
            check=True,
        )
        found.append(done.stdout[done.stdout.index("{") :])
    assert found[0] == found[1]
    assert json.loads(found[0])["runs"].keys() == golden_run.OBJECTIVES.keys()
