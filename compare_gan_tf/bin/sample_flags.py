"""The flags of `compare-gan sample`."""

from absl import flags

from compare_gan_tf.bin import build, ema

MOST_TRUNCATION = 1e6  # of latents whose standard deviation is 1
FRAMES = 16  # of a film, from one sample to the next
_MOST = 10**7  # samples
_FORMATS = ("grid", "png", "npz", "txt", "gif", "webp", "mp4")


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    build.define_checkpoint_flag(flag_values)
    ema.define_flag(flag_values)
    for name, default, text in (
        (
            "model",
            None,
            "Name of a model that ships with this package, the folder of an export such as"
            " runs/mine/hub/2000, or an address such as hf://user/name or"
            " kaggle://user/model/variation, instead of a run.",
        ),
        ("module", None, "Folder of an exported generator, or a TF Hub handle, instead of a run."),
        ("output", None, "File or folder to write. Its name selects the format, see above."),
    ):
        flags.DEFINE_string(name, default, text, flag_values=flag_values)
    flags.DEFINE_enum(
        "format",
        None,
        _FORMATS,
        "Output format; only needed if the name of --output does not show it. png means a folder"
        " of PNG files.",
        flag_values=flag_values,
    )
    _define_choice(flag_values)
    _define_sampler(flag_values)
    _define_walks(flag_values)
    _define_rules(flag_values)


_NOT_IN_A_FILM = (
    "checkpoint", "ema", "num", "seed", "truncation", "classes", "columns", "interpolate",
    "truncations", "nearest", "sampler",
)  # fmt: skip


def _define_rules(flag_values: flags.FlagValues) -> None:
    """Checks that required flags are given, and refuses flags that would have no effect."""
    for names, condition, cure in _without_effect(flag_values):
        build.forbid(flag_values, names, condition, cure)
    flags.register_multi_flags_validator(
        ("model_dir", "model", "module"),
        lambda given: sum(map(bool, given.values())) == 1,
        "name a model by --model, a run by --model_dir or a module by --module, one of the three",
        flag_values=flag_values,
    )
    flags.register_validator(
        "output",
        bool,
        "--output is missing: name a file such as samples.png, or a folder such as samples/",
        flag_values=flag_values,
    )


def _without_effect(flag_values: flags.FlagValues) -> list[tuple]:
    """(flags, when they have no effect, what to do) of each rule."""
    return [
        (
            ("checkpoint", "ema", "gin_config", "gin_bindings"),
            lambda: flag_values.module or flag_values.model,
            "is for a run, and --model or --module names none: leave it out",
        ),
        (
            ("sampler",),
            lambda: flag_values.module,
            "needs the discriminator, which --module does not have: name the folder of the export"
            " by --model, or a run by --model_dir",
        ),
        (
            ("interpolate", "truncations"),
            lambda: flag_values.sampler,
            "goes from latent to latent, and --sampler chooses them: drop one",
        ),
        (
            ("nearest", "training_film"),
            lambda: not flag_values.model_dir,
            "is for a run: name its --model_dir",
        ),
        (
            _NOT_IN_A_FILM,
            lambda: flag_values.training_film,
            "has no effect on the grids of --training_film: leave it out",
        ),
    ]


def _define_number(flag_values: flags.FlagValues) -> None:
    """Defines the flags of how many samples, and of which seed."""
    flags.DEFINE_integer(
        "num",
        64,
        "Number of images; with --interpolate, --truncations or --nearest, of all in the rows"
        " together, and a row that would not be whole is left out.",
        1,
        _MOST,
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "seed", 0, "Random seed, 0 to 2^31 - 1. Default: 0.", 0, 2**31 - 1, flag_values=flag_values
    )


def _define_choice(flag_values: flags.FlagValues) -> None:
    """Defines the flags that choose the samples and their layout."""
    _define_number(flag_values)
    flags.DEFINE_float(
        "truncation",
        0.0,
        "Truncation of the latents: the largest |z| of normal latents, or the factor of uniform"
        " latents. Default: 0, no truncation.",
        flag_values=flag_values,
    )
    flags.register_validator(
        "truncation",
        lambda value: 0 <= value <= MOST_TRUNCATION,
        f"it must be a number in [0, {MOST_TRUNCATION:g}]",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "classes",
        None,
        "Comma-separated classes to sample, by name or number, such as cat,dog or 0,3. Put a name"
        " that contains a comma in double quotes: '\"cat, black\",dog'. Default: all.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "columns",
        None,
        "Number of columns of a grid; its rows then show one class after the other. Default: one"
        " column per class, or 8.",
        1,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replace existing samples. A folder that holds other files is never replaced.",
        flag_values=flag_values,
    )


def _define_sampler(flag_values: flags.FlagValues) -> None:
    """Defines the flag that lets D take part."""
    flags.DEFINE_enum(
        "sampler",
        None,
        ("rejection", "langevin"),
        "How the discriminator helps: rejection draws samples anew that it finds unlikely (Azadi et"
        " al., 2019), langevin moves the latents to where it finds samples likely (DDLS: Che et"
        " al., 2020). Both are for a discriminator with the non-saturating loss. Default: not at"
        " all.",
        flag_values=flag_values,
    )


def _define_walks(flag_values: flags.FlagValues) -> None:
    """Defines the flags of interpolations, films and truncation sheets."""
    flags.DEFINE_integer(
        "interpolate",
        None,
        "Steps from one sample to another of the same class, one row each; in a film, frames from"
        f" one sample to the next (default {FRAMES}). A film cuts from class to class: choose one"
        " by --classes.",
        2,
        1000,
        flag_values=flag_values,
    )
    flags.DEFINE_list(
        "truncations",
        None,
        "Comma-separated truncations, 0 for none: a row has the same sample under each.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "nearest",
        None,
        "For a run: a row has a sample and this many training samples, the nearest in the features"
        " of evaluate.extractor, to see whether the sample is a copy.",
        1,
        63,
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "training_film",
        False,
        "For a run: the grids that its training has logged, every train.sample_every steps, as a"
        " film. It draws no samples.",
        flag_values=flag_values,
    )
