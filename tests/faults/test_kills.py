"""kill -9 at random moments of every verb, then the same command again: the runs are the same.

COMPARE_GAN_KILLS says how many kills, over all games; `make test-faults` takes 100.
"""

import collections
import json
import os
import random
import signal

import kills
import pytest
import run_facts
from killed_runs import GAMES, SHARES, STUDY, chain, config_of, tell, undisturbed

NUMBER = int(os.environ.get("COMPARE_GAN_KILLS", "24"))
OF_STUDY = max(1, NUMBER // 20)


def disturbed(commands, steps, folder, took, number, draw):
    """Runs all verbs with about so many kills; returns {verb: kills}."""
    hit = collections.Counter()
    for verb, arguments in steps.items():
        for attempt in range(round(SHARES[verb] * number) or 1):
            left = 1.0 if attempt < 2 else 0.5  # of the work, after some attempts
            seconds, changes = took[verb]
            moment = {"at_change": draw.randint(1, round(left * changes))}
            if attempt % 2:
                moment = {"at_second": left * draw.uniform(0, seconds)}
            code, *_ = commands.run(arguments, folder.parent, **moment)
            assert code in (0, -signal.SIGKILL), (verb, code)
            if code == 0:  # it was done before
                break
            hit[verb] += 1
        code, *_ = commands.run(arguments, folder.parent)
        assert code == 0, (verb, code)
    return hit


@pytest.mark.slow
@pytest.mark.parametrize("game", GAMES)
def test_kills_change_nothing(tmp_path, game):
    draw, seen = random.Random(game), collections.Counter()
    wanted = -(-(NUMBER - OF_STUDY) // len(GAMES))
    config, log = tmp_path / "config.gin", tmp_path / "log.txt"
    config.write_text(config_of(game))
    commands = kills.Commands(log)
    try:
        whole = tmp_path / "whole" / "run"
        whole.parent.mkdir()
        expected, took = undisturbed(commands, chain(game, config, whole), whole)
        repeats = 0
        while seen.total() < wanted:
            folder = tmp_path / f"killed{repeats}" / "run"
            folder.parent.mkdir()
            number = min(20, wanted - seen.total())
            seen += disturbed(commands, chain(game, config, folder), folder, took, number, draw)
            tell(game=game, kills=seen.total(), of=dict(seen), took=took)
            assert run_facts.differences(expected, run_facts.facts(folder)) == {}
            repeats += 1
    except BaseException:
        print(log.read_text()[-3000:])
        raise


def of_study(folder):
    """{run: its record and weights} without what depends on the clock or the folder's name."""
    found = {}
    for path in sorted(folder.rglob("record.json")):
        record = json.loads(path.read_text())
        kept = {k: v for k, v in record.items() if k not in ("seconds", "folder")}
        weights = run_facts.weights(path.parent / "checkpoints" / "ckpt-60")
        found[str(path.parent.relative_to(folder))] = kept, weights
    return found


@pytest.mark.slow
def test_kills_change_no_study(tmp_path):
    draw, log = random.Random(0), tmp_path / "log.txt"
    (tmp_path / "base.gin").write_text(config_of("wgan_gp_of_classes"))
    (tmp_path / "study.gin").write_text(STUDY.format(base=tmp_path / "base.gin"))
    commands, hit = kills.Commands(log), 0

    def work(folder, **moment):
        given = [f"--gin_config={tmp_path / 'study.gin'}", f"--study_dir={folder}", "--workers=1"]
        return commands.run(["study", *given], tmp_path, **moment)

    code, seconds, changes, _ = work(tmp_path / "whole")
    assert code == 0, log.read_text()[-3000:]
    while hit < OF_STUDY:
        folder = tmp_path / f"killed{hit}"
        for attempt in range(min(OF_STUDY - hit, 5)):
            by_time = {"at_second": draw.uniform(0, seconds)}
            by_write = {"at_change": draw.randint(1, changes)}
            code, *_ = work(folder, **(by_write if attempt % 2 else by_time))
            assert code in (0, -signal.SIGKILL), log.read_text()[-3000:]
            hit += code != 0
        code, *_ = work(folder)
        assert code == 0, log.read_text()[-3000:]
        assert run_facts.differences(of_study(tmp_path / "whole"), of_study(folder)) == {}
        assert (folder / "report" / "index.html").read_text().rstrip().endswith("</html>")
        tell(game="study", kills=hit, of={"study": hit}, took={"study": (seconds, changes)})
