r"""Score the checkpoints of a run, or compare any fake samples with any real samples.

Each score of a run is a line of <model_dir>/scores.jsonl, together with its protocol. Existing
scores are not computed again. The best checkpoint is selected on the validation split.

For example:

  compare-gan evaluate --model_dir=runs/quickstart --metrics=fid,kid_full,prdc

Score only the newest checkpoint, with more samples:

  compare-gan evaluate --model_dir=runs/quickstart --checkpoint=latest \
      --gin_bindings='evaluate.num_samples = 5000'

Compare two sides. Each is a folder or a zip of images; an .npz with images, features, or mu and
sigma; a data set and its split; a TF Hub module; an ONNX generator; or a run:

  compare-gan evaluate --real=cifar10/test --fake=samples.npz --metrics=fid,kid \
      --extractor=inception_2015 --output=scores.json

docs/evaluation.md lists metrics and presets. Other settings are gin bindings on `evaluate`.
"""

import os

from absl import flags

from compare_gan_tf.bin import build, ema, output, scores
from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import extractor_names

# As `distribution.STRATEGIES`, which cannot be imported here: it imports TensorFlow.
STRATEGIES = ("auto", "default", "mirrored", "tpu")
_OF_EXTRACTORS = (
    "metrics.extractors", "metrics.features", "metrics.image_networks", "metrics.inception",
    "metrics.presets", "metrics.resize", "metrics.scalings",
)  # fmt: skip
_SIDES = ("real", "fake", "against", "held_out")
_OF_SIDES = (*_SIDES, "output", "save_real_statistics")
# Parameters of `evaluate` that apply to the comparison of two sides.
_PAIR_PARAMETERS = frozenset(
    (
        "metrics", "preset", "extractor", "num_real", "num_samples", "batch_size", "seed",
        "truncation", "standing",
    )
)  # fmt: skip

NEEDS_MODEL_DIR = False


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values, all_steps=True)
    build.define_data_change_flag(flag_values)
    build.define_trust_flag(flag_values)
    output.define_json_flag(flag_values)
    ema.define_flag(flag_values, several=True)
    flags.DEFINE_enum(
        "schedule",
        "once",
        ["once", "continuous_eval"],
        "once scores the checkpoints that exist; continuous_eval also scores those that a running"
        " training writes, until it is done.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        [name for name in STRATEGIES if name != "multi_worker"],
        "Distribution strategy: auto uses all GPUs of this machine, or the CPU if there are none.",
        flag_values=flag_values,
    )
    texts = {
        "metrics": "Comma-separated names of metrics, such as fid,kid,prdc; or the name of a"
        " preset, for its metrics. Default: fid.",
        "preset": "A published protocol: metrics, extractor, split and numbers of samples.",
        "extractor": f"Feature extractor: {', '.join(extractor_names.names())};"
        f" {' or '.join(extractor_names.bound())}, configured by gin bindings; or your own, if"
        " the config imports it. Default: the preset's, or one that suits the data set.",
        "real": "Compare two sides instead of scoring a run: the real samples, see above.",
        "fake": "With --real: the fake samples.",
        "against": "With --real: second fake samples. Also prints the difference of the scores.",
        "held_out": "With --real: real samples no model was trained on, for memorisation metrics.",
        "output": "With --real: JSON file for the scores. Scores that it holds are not recomputed.",
        "save_real_statistics": "With --real: .npz file for mean and covariance of its features.",
    }
    for name, text in texts.items():
        flags.DEFINE_string(name, None, text, flag_values=flag_values)
    _define_rules(flag_values)


def _define_rules(flag_values: flags.FlagValues) -> None:
    """Checks that required flags are given, and refuses flags that would have no effect."""

    def of_sides() -> bool:
        return any(flag_values[name].value is not None for name in _OF_SIDES)

    flags.register_validator(
        "model_dir",
        lambda value: value or of_sides(),
        "name the folder of a run by --model_dir, or two sides by --real and --fake",
        flag_values=flag_values,
    )
    for name in ("real", "fake"):
        flags.register_validator(
            name,
            lambda value: value is not None or not of_sides(),
            f"--{name} is missing: two sides are compared, --real and --fake",
            flag_values=flag_values,
        )
    flags.register_validator(
        "metrics",
        lambda value: value is None or value.strip(),
        "--metrics is empty: name some, such as fid,kid, or a preset",
        flag_values=flag_values,
    )
    names = ("model_dir", "schedule", "allow_data_change", "ema")
    build.forbid(flag_values, names, of_sides, "is for a run, not for --real and --fake")
    build.forbid(
        flag_values,
        ("checkpoint", "ema"),
        lambda: flag_values.schedule == "continuous_eval",
        "is for --schedule=once: continuous_eval scores all that `evaluate.every` names",
    )


def run(values: flags.FlagValues) -> None:
    """Scores, and prints the scores."""
    try:
        bindings = _bindings(values)
    except UserError:  # the name may be of a module that the config imports, which takes seconds
        if not _import_modules(values):
            raise
        bindings = _bindings(values)
    (_compare if values.real is not None else _score_run)(values, bindings)


def _bindings(values: flags.FlagValues) -> list[str]:
    """The flags --preset, --metrics and --extractor as gin bindings on `evaluate`."""
    from compare_gan_tf.metrics import presets

    bindings = []
    if values.preset is not None:
        presets.check(values.preset)
        bindings.append(f"evaluate.preset = @presets.{values.preset}()")
    if values.metrics is not None:
        presets.names_of(values.metrics)  # refuses unknown names
        bindings.append(f"evaluate.metrics = {values.metrics!r}")
    if values.extractor is not None:
        reference = extractor_names.reference(values.extractor)
        bindings.append(f"evaluate.extractor = {reference}")
    return bindings


def _import_modules(values: flags.FlagValues) -> bool:
    """Imports the modules that the config imports; False if there is no config."""
    from compare_gan_tf import config

    own = os.path.abspath(os.path.join(values.model_dir or "", "config.gin"))
    names = values.gin_config or ([own] if values.model_dir and os.path.isfile(own) else [])
    config.import_modules(names)
    return bool(names)


def _check_metrics_used(values: flags.FlagValues) -> None:
    """Refuses --gin_bindings for metrics that are not computed.

    Gin files are not checked: they may serve several commands. Bindings for extractors are not
    checked either, because a preset makes its extractor only when it is needed.
    """
    from compare_gan_tf import config

    others = ("evaluation", "export", "report", "training", "data", *_OF_EXTRACTORS)
    config.check_used([f"compare_gan_tf.{name}" for name in others], among=values.gin_bindings)


# --- A run ------------------------------------------------------------------------------------


def _score_run(values: flags.FlagValues, bindings: list[str]) -> None:
    follows = values.schedule == "continuous_eval"
    build.read_config(values, bindings=bindings)
    from compare_gan_tf import evaluation
    from compare_gan_tf.gan import distribution

    with distribution.local_strategy(values.strategy).scope():
        dataset, gan = build.gan(values)
    if values.ema is not None:
        return ema.score(values, gan, dataset, lambda: _check_metrics_used(values))
    steps = {}
    if values.checkpoint != "all":
        steps = {"steps": [build.choose_step(values.model_dir, values.checkpoint)]}
    plan = evaluation.plan(values.model_dir, gan, dataset, **steps)  # makes the metrics
    _check_metrics_used(values)
    rows = evaluation.follow(values.model_dir, gan, dataset) if follows else plan.run()
    scores.show_run(values.model_dir, rows, as_json=values.json)


# --- Two sides --------------------------------------------------------------------------------


def _compare(values: flags.FlagValues, bindings: list[str]) -> None:
    from compare_gan_tf.bin import interrupts, quiet

    quiet.import_tensorflow()
    from compare_gan_tf import config
    from compare_gan_tf.config import configurables
    from compare_gan_tf.gan import distribution

    with interrupts.at_once():
        configurables.load()
    from compare_gan_tf.evaluation import openings, pairs
    from compare_gan_tf.metrics import presets

    sides = {name: values[name].value for name in _SIDES}
    runs = {name: side for name, side in sides.items() if side and openings.is_run(side)}
    if not runs and not values["checkpoint"].using_default_value:
        raise UserError("--checkpoint is for a run, and neither side is one: leave it out")
    config.parse(values.gin_config, [*values.gin_bindings, *bindings])
    config.check_used([*config.LATER_STAGES, "compare_gan_tf.data"])
    bound = _bound()
    preset = presets.find(bound.get("preset"))
    bound["metrics"] = presets.metrics_of(bound.get("metrics"), preset)
    _check_metrics_used(values)
    made = {"truncation": 0.0, "standing": preset.standing}
    made |= {name: bound[name] for name in made if name in bound}
    with distribution.local_strategy(values.strategy).scope():
        split = preset.real_split or openings.How().split
        sides = _opened(values, bindings, sides, runs, openings.How(**made, split=split))
        found = pairs.evaluate(
            **sides,
            **bound,
            output=values.output,
            save_real_statistics=values.save_real_statistics,
            progress=True,
        )
    scores.show_sides(found, as_json=values.json)


def _opened(values: flags.FlagValues, bindings: list[str], sides: dict, runs: dict, how) -> dict:
    """{name: opened side}. Runs are opened last: each replaces the bindings by its own config."""
    from compare_gan_tf.evaluation import openings

    found = {
        name: side and openings.side(side, how) for name, side in sides.items() if name not in runs
    }
    for name, path in runs.items():
        found[name] = _open_run(values, bindings, os.path.expanduser(path), how)
    return found


def _bound() -> dict:
    """The gin bindings on `evaluate` as keyword arguments."""
    import gin

    bound = gin.get_bindings("evaluate")
    unused = sorted(bound.keys() - _PAIR_PARAMETERS)
    if unused:
        raise UserError(
            f"evaluate.{unused[0]} is for the checkpoints of a run: remove it beside --real"
        )
    return bound


def _open_run(values: flags.FlagValues, bindings: list[str], path: str, how):
    """The generator of a run with the weights of --checkpoint, or of the best or last checkpoint.

    Args:
      values: the flags.
      bindings: further gin bindings.
      path: folder of the run.
      how: an `openings.How`.
    """
    from compare_gan_tf import config
    from compare_gan_tf.evaluation import openings
    from compare_gan_tf.evaluation.generators import Players
    from compare_gan_tf.runs import best, checkpoints
    from compare_gan_tf.storage import files

    own = os.path.join(path, files.CONFIG)
    build.require_unchanged(path)
    config.parse([own, *values.gin_config], [*values.gin_bindings, *bindings])
    choice = None if values.checkpoint == "all" else values.checkpoint
    step = build.choose_step(path, choice)
    dataset, gan = build.gan(values, of_run=True)
    checkpoints.restore_players(gan, path, step)
    kept = best.read(path)
    is_best = choice in (None, "best") and kept is not None and kept["step"] == step
    players = Players(
        gan,
        tag="generator",
        where=f"checkpoint {step} of {path}",
        name=os.path.basename(os.path.normpath(path)),
        truncation=how.truncation,
        standing=how.standing,
        checkpoint_rule="best" if is_best else choice or "latest",
        fingerprint=best.fingerprint(checkpoints.find(path, step)),
    )
    players.images_of = openings.images_of(dataset)  # for the extractor
    return players
