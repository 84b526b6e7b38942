"""The runs that tests kill, stop and starve of disk, small but with all kinds of state.

COMPARE_GAN_KILLS_LOG names a file for what was done to them.
"""

import json
import os
import pathlib

import run_facts

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


def tell(**facts):
    """Writes a line about what was done, if it is wanted."""
    if LOG:
        with open(pathlib.Path(LOG), "a") as file:
            file.write(json.dumps(facts) + "\n")
