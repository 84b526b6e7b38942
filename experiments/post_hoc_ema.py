"""Post-hoc EMA against fixed averages of G's weights: FID on digits or Fashion-MNIST.

An average changes no weight of the players. So one training a seed tracks all fixed averages, and
the averages for post-hoc EMA. Each is scored after the last step; decays and lengths are selected
on the validation split, and compared on test.

Usage: python experiments/post_hoc_ema.py digits|fashion_mnist FOLDER SEED [SEED ...]

FOLDER/scores.json keeps the scores of the seeds that are done; the table has all of them.
"""

import json
import os
import sys

import numpy as np
from scipy import stats

DECAYS = (0.9, 0.99, 0.999, 0.9995)  # of the fixed averages
# {data set: its config, bindings, and the first step that the fixed averages take}
GAMES = {
    "digits": ("quickstart.gin", ["PostHocEMA.snapshot_every = 50"], 500),
    "fashion_mnist": (
        "zoo/fashion_mnist.gin",
        [
            "PostHocEMA.snapshot_every = 10",
            "train.training_steps = 1000",
            "train.steps_per_execution = 10",
            "train.checkpoint_every = 1000",
            "train.sample_every = 1000",
            "cosine_decay.steps = 1000",
            "data.load.hold_out = True",
            "evaluate.splits = ('validation', 'test')",
            "evaluate.num_samples = 5000",
            "evaluate.num_real = 5000",
        ],
        125,
    ),
}


def train(game: str, folder: str, seed: int):
    """Trains a run; returns its data set, its GAN, and {name: network that holds an average}."""
    from compare_gan_tf import config, data, training
    from compare_gan_tf.config import gin_files
    from compare_gan_tf.gan import players
    from compare_gan_tf.optimizers.ema import ExponentialMovingAverage

    name, bindings, start = GAMES[game]
    shared = ["GAN.post_hoc_ema = @PostHocEMA()", "evaluate.floor = False"]
    config.parse([gin_files.find_config(name)], [*shared, *bindings])
    bound, averages = config.bound("train", "model"), {}

    def model(sample_shape, num_classes, seed):
        gan = bound(sample_shape=sample_shape, num_classes=num_classes, seed=seed)
        for decay in DECAYS:
            network = players.copy(gan.generator)
            averages[decay] = ExponentialMovingAverage(network, decay=decay, start_step=start)
            averages[decay].copy(gan.generator)
        gan.ema.update = lambda *now: [average.update(*now) for average in averages.values()]
        return gan

    dataset = data.load()
    gan = training.prepare(folder, dataset=dataset, model=model, seed=seed).fit()
    networks = {f"decay {decay}": one.generator for decay, one in averages.items()}
    return dataset, gan, {"no average": gan.generator} | networks


def scores(game: str, folder: str, seed: int) -> dict[str, dict[str, float]]:
    """{average: {split: FID}} of a new run; on test only of what validation selects."""
    from compare_gan_tf import evaluation
    from compare_gan_tf.evaluation import ema_sweep
    from compare_gan_tf.runs import checkpoints

    run = os.path.join(folder, f"run{seed}")
    dataset, gan, networks = train(game, run, seed)
    step, found, asked = gan.current_step, {}, {}
    shared, sampling = {"steps": [step], "real_statistics": {}}, gan.ema.generator
    for name, network in networks.items():
        for variable, value in zip(sampling.variables, network.variables, strict=True):
            variable.assign(value)
        asked[name] = {"model_dir": os.path.join(run, name)}
        checkpoints.Checkpoints(gan, asked[name]["model_dir"], keep=1).save()
    for length in ema_sweep.possible(run, gan, step):
        asked[f"sigma_rel {length:g}"] = {"model_dir": run, "ema_length": length}

    def score(name: str, split: str) -> None:
        rows = evaluation.evaluate(
            gan=gan, dataset=dataset, splits=[split], **shared, **asked[name]
        )
        found.setdefault(name, {})[split] = rows[0]["value"]

    for name in asked:
        score(name, "validation")
    for name in ("no average", best(found, "decay"), best(found, "sigma_rel")):
        score(name, "test")
    return found


def best(of_seed: dict, kind: str) -> str:
    """The decay or length of the lowest FID on validation."""
    names = [name for name in of_seed if name.startswith(kind)]
    return min(names, key=lambda name: of_seed[name]["validation"])


def interval(values) -> str:
    """The mean of some values and its interval of 95 % by Student's t, over seeds."""
    mean = np.mean(values)
    if len(values) == 1:
        return f"{mean:.2f}"
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{mean:.2f} [{mean - half:.2f}, {mean + half:.2f}]"


def table(found: dict[str, dict]) -> str:
    """The rows of a table in Markdown: each average, the selected ones, and their difference."""
    seeds = list(found.values())

    def row(name: str, chosen: list[str]) -> str:
        pairs = list(zip(seeds, chosen, strict=True))
        columns = {s: [one[c].get(s) for one, c in pairs] for s in ("validation", "test")}
        shown = ["" if None in values else interval(values) for values in columns.values()]
        return f"| {name} | {shown[0]} | {shown[1]} |"

    lines, tested = [row(name, [name] * len(seeds)) for name in seeds[0]], {}
    for kind in ("decay", "sigma_rel"):
        chosen = [best(one, kind) for one in seeds]
        tested[kind] = [one[name]["test"] for one, name in zip(seeds, chosen, strict=True)]
        names = ", ".join(name.split()[1] for name in chosen)
        lines.append(row(f"best {kind} of each seed: {names}", chosen))
    difference = interval(np.subtract(tested["sigma_rel"], tested["decay"]))
    return "\n".join([*lines, f"| best sigma_rel less best decay, paired | | {difference} |"])


def main(game: str, folder: str, *seeds: str):
    from compare_gan_tf.config import configurables

    if game not in GAMES:
        sys.exit(f"the first argument is {game!r}: one of {', '.join(GAMES)}")
    configurables.load()
    path = os.path.join(folder, "scores.json")
    found = json.load(open(path)) if os.path.exists(path) else {}
    for seed in seeds:
        if seed not in found:
            found[seed] = scores(game, folder, int(seed))
            with open(path, "w") as file:
                json.dump(found, file, indent=1)
        print(table(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
