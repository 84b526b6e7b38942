"""kill -9 at random moments of every verb, then the same command again: nothing tells the runs apart.

COMPARE_GAN_KILLS says how many kills, over all games; `make test-faults` takes 100. A line a game
says how many hit which verb, and `COMPARE_GAN_KILLS_LOG` names a file for these lines.
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
LOG = os.environ.get("COMPARE_GAN_KILLS_LOG")
COMMON = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = 60
train.batch_size = 32
train.checkpoint_every = 7
train.keep_checkpoints = 2
train.log_every = 1
train.sample_every = 5
GAN.latents = @Normal()
GAN.g_optimizer = @adam()
GAN.d_optimizer = @adam()
Normal.dim = 8
adam.learning_rate = 1e-3
mlp.generator.units = 32
mlp.discriminator.units = 32
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
evaluate.metrics = "fid,kid"
evaluate.num_samples = 100
"""
# What is saved beside the weights: averages, batch norm, power iterations, the controller of ADA,
# running means of objectives and heads of D, snapshots of post-hoc EMA, schedules.
GAMES = {
    "wgan_gp_of_classes": """
GAN.conditional = True
GAN.objectives = [@Adversarial(), @GradientPenalty()]
GAN.d_steps = 2
GAN.ema_decay = 0.9
Adversarial.loss = @wasserstein
mlp.generator.norm = @batch_norm
mlp.discriminator.kernel_norm = @spectral_norm
""",
    "hinge_ada": """
GAN.objectives = [@Adversarial()]
GAN.augment = @ADA()
GAN.ema_decay = 0.9
ADA.colours = ["brightness", "contrast"]
ADA.images_to_full = 1000
Adversarial.loss = @hinge
""",
    "discrete_boundary_seeking": """
data.load.view = @binarised
GAN.alphabet = @Bits()
GAN.objectives = [@DiscreteBoundarySeeking(), @GradientPenalty()]
GradientPenalty.points = @at_real
GradientPenalty.target = 0.0
evaluate.extractor = @digits_classifier()
mlp.generator.norm = @batch_norm
""",
    "relativistic_lecam_post_hoc_ema": """
GAN.objectives = [@Adversarial(), @LeCam(), @Rotation()]
GAN.post_hoc_ema = @PostHocEMA()
PostHocEMA.snapshot_every = 5
""",
    "sndcgan_one_step_an_execution": """
include "small/digits_sndcgan_sn.gin"
train.training_steps = 30
train.checkpoint_every = 7
train.log_every = 1
train.sample_every = 5
train.steps_per_execution = 1
train.keep_checkpoints = 2
""",
}
VERBS = ("train", "evaluate", "export", "report")


def chain(config, folder):
    """The commands of a run, from the training to the report."""
    first = ["train", f"--gin_config={config}"]
    return {verb: [*(first if verb == "train" else [verb]), f"--model_dir={folder}"] for verb in VERBS}


def undisturbed(commands, config, folder):
    """Runs all verbs; returns what the folder then holds, and {verb: (seconds, changes)}."""
    took = {}
    for verb, arguments in chain(config, folder).items():
        code, seconds, changes = commands.run(arguments, folder.parent)
        assert code == 0, (verb, code)
        took[verb] = seconds, changes
    return run_facts.facts(folder), took


def disturbed(commands, config, folder, took, number, draw):
    """Runs all verbs with so many kills, as near as it gets; returns {verb: kills}."""
    hit = collections.Counter()
    for verb, arguments in chain(config, folder).items():
        share = 0.4 if verb == "train" else 0.2
        tries = max(1, round(share * number))
        for attempt in range(tries):
            seconds, changes = took[verb]
            moment = {"at_second": draw.uniform(0, seconds)}
            if attempt % 2:
                moment = {"at_change": draw.randint(1, changes)}
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
    draw, wanted, seen = random.Random(game), -(-NUMBER // len(GAMES)), collections.Counter()
    config, log = tmp_path / "config.gin", tmp_path / "log.txt"
    config.write_text(COMMON + GAMES[game])
    commands = kills.Commands(log)
    try:
        whole = tmp_path / "whole" / "run"
        whole.parent.mkdir()
        expected, took = undisturbed(commands, config, whole)
        repeats = 0
        while seen.total() < wanted:
            folder = tmp_path / f"killed{repeats}" / "run"
            folder.parent.mkdir()
            seen += disturbed(commands, config, folder, took, min(10, wanted - seen.total()), draw)
            found = run_facts.facts(folder)
            assert found.keys() == expected.keys()
            for name, value in expected.items():
                assert found[name] == value, name
            repeats += 1
            tell(game=game, kills=seen.total(), of=dict(seen), took=took)
    except BaseException:
        print(log.read_text()[-3000:])
        raise


def tell(**facts):
    if LOG:
        with open(pathlib.Path(LOG), "a") as file:
            file.write(json.dumps(facts) + "\n")
