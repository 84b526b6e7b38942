"""kill -9 at random moments of every verb, then the same command again: the runs are the same.

COMPARE_GAN_KILLS says how many kills, over all games; `make test-faults` takes 100.
COMPARE_GAN_KILLS_LOG names a file for what was done: a line says which verbs were hit.
"""

import collections
import json
import os
import pathlib
import random
import signal

import kills
import pytest
import run_facts

NUMBER = int(os.environ.get("COMPARE_GAN_KILLS", "24"))
OF_STUDY = max(1, NUMBER // 20)
LOG = os.environ.get("COMPARE_GAN_KILLS_LOG")
EVERY = """
train.training_steps = 60
train.batch_size = 32
train.checkpoint_every = 7
train.keep_checkpoints = 2
train.log_every = 1
train.sample_every = 5
train.steps_per_execution = 1
evaluate.metrics = "fid,kid_full"
evaluate.num_samples = 100
"""
MLP = """
include "base/cpu.gin"
include "base/adam.gin"
include "base/digits.gin"
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.latents = @Normal()
Normal.dim = 8
mlp.generator.units = 32
mlp.discriminator.units = 32
"""
# What is saved beside the weights: averages, batch norm, power iterations, the controller of ADA,
# running means of objectives and heads of D, snapshots of post-hoc EMA.
GAMES = {
    "wgan_gp_of_classes": f"""{MLP}
GAN.conditional = True
GAN.objectives = [@Adversarial(), @GradientPenalty()]
GAN.d_steps = 2
GAN.ema_decay = 0.9
Adversarial.loss = @wasserstein
mlp.generator.norm = @batch_norm
mlp.discriminator.kernel_norm = @spectral_norm
""",
    "hinge_ada": f"""{MLP}
GAN.objectives = [@Adversarial()]
GAN.augment = @ADA()
GAN.ema_decay = 0.9
ADA.controller = @Adaptive()
Adaptive.speed = 2000
Adaptive.interval = 2
Adversarial.loss = @hinge
""",
    "discrete_boundary_seeking": f"""{MLP}
data.load.view = @binarised
GAN.alphabet = @Bits()
GAN.objectives = [@DiscreteBoundarySeeking(), @GradientPenalty()]
GradientPenalty.points = @at_real
GradientPenalty.target = 0.0
evaluate.extractor = @digits_classifier()
mlp.generator.norm = @batch_norm
""",
    "rotation_lecam_post_hoc_ema": f"""{MLP}
GAN.objectives = [@Adversarial(), @LeCam(), @Rotation()]
GAN.post_hoc_ema = @PostHocEMA()
PostHocEMA.snapshot_every = 7
train.training_steps = 63
""",
    "sndcgan": """
include "small/digits_sndcgan_sn.gin"
train.training_steps = 30
""",
}
STUDY = """
study.base = "{base}"
study.axes = {{
    "loss": {{
        "hinge": ["Adversarial.loss = @hinge"],
        "Wasserstein": ["Adversarial.loss = @wasserstein"],
    }},
}}
study.seeds = 1
"""
# The share of the kills that hit a verb. An export takes longest.
SHARES = {"train": 0.5, "evaluate": 0.25, "report": 0.15, "export": 0.1}
EXPORTED = ("wgan_gp_of_classes", "discrete_boundary_seeking")


def config_of(game):
    """The text of a game's config."""
    head, _, own = GAMES[game].rpartition("\ninclude ")
    included, _, own = own.partition("\n")
    return f"{head}\ninclude {included}\n{EVERY}{own}"


def chain(game, config, folder):
    """{verb: its command} of a run, from the training on."""
    first = ["train", f"--gin_config={config}"]
    verbs = [verb for verb in SHARES if verb != "export" or game in EXPORTED]
    return {
        verb: [*(first if verb == "train" else [verb]), f"--model_dir={folder}"] for verb in verbs
    }


def undisturbed(commands, steps, folder, *, facts=True):
    """Runs all verbs; returns what the folder then holds, and {verb: (seconds, changes)}."""
    took = {}
    for verb, arguments in steps.items():
        code, seconds, changes, _ = commands.run(arguments, folder.parent)
        assert code == 0, (verb, code)
        took[verb] = seconds, changes
    return run_facts.facts(folder) if facts else None, took


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


def tell(**facts):
    if LOG:
        with open(pathlib.Path(LOG), "a") as file:
            file.write(json.dumps(facts) + "\n")
