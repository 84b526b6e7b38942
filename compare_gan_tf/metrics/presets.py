"""Presets: published protocols by name, with their samples, extractor and metrics.

Each preset is a function, so that nothing is loaded before it is used: `--preset=studiogan`, or
`evaluate.preset = @studiogan()` in gin. Other settings override those of the preset. The docstrings
and docs/evaluation.md have the differences from the code that gave a preset its name.
"""

import dataclasses
import difflib
import functools
from collections.abc import Callable

import gin

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import registry


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preset:
    """Settings of an evaluation that belong together.

    Attributes:
      metrics: names or values of `registry`.
      extractor: function that makes the extractor; None for that of the data.
      real_split: split of the data set that is reported; None for test.
      n_real: real samples; None for all of the split.
      n_fake: generated samples; None for as many as reals.
      standing: samples over which batch norm takes its statistics anew; 0 for those of training.
    """

    metrics: tuple = ("fid",)
    extractor: Callable | None = None
    real_split: str | None = None
    n_real: int | None = None
    n_fake: int | None = None
    standing: int = 0


PRESETS: dict[str, Callable[[], Preset]] = {}


def by_name(make: Callable[[], Preset]) -> Callable[[], Preset]:
    """Registers a preset under the name of the function that makes it, here and with gin."""
    PRESETS[make.__name__] = gin.configurable(module="presets")(make)
    return PRESETS[make.__name__]


def plain() -> Preset:
    """FID against all of the test split, in the features of the data's own extractor."""
    return Preset()


@by_name
def quick() -> Preset:
    """What needs no download and no choice: the data's own extractor, all of the test split."""
    return Preset(metrics=("fid", "kid_full", "prdc"))


@by_name
def ancestor() -> Preset:
    """google/compare_gan: 10,000 fakes against 10,000 images of test, TF1's bilinear resize.

    It averaged three seeds and did not round fakes to 8 bits; here they are. On ImageNet it took
    50,000 of each: set num_real and num_samples.
    """
    return Preset(
        metrics=(
            "fid",
            registry.find("inception_score")(splits=1, bias=True),
            registry.find("kid_blocks")(largest=1024),
            "ms_ssim",
        ),
        extractor=_inception("tf1_bilinear"),
        real_split="test",
        n_real=10_000,
        n_fake=10_000,
    )


@by_name
def studiogan() -> Preset:
    """StudioGAN's default: 50,000 fakes against all of train, Pillow's antialiased bilinear.

    Its network takes x / 127.5 - 1, ours (x - 128) / 128.
    """
    return Preset(
        metrics=(
            "fid",
            registry.find("inception_score")(splits=1, bias=True),
            registry.find("prdc")(k=5),
        ),
        extractor=_inception("antialiased_bilinear"),
        real_split="train",
        n_fake=50_000,
    )


@by_name
def clean() -> Preset:
    """clean-fid: 50,000 fakes against all of train, Pillow's antialiased bicubic in floats."""
    return Preset(
        metrics=("fid", registry.find("kid")(subsets=100, subset_size=1000)),
        extractor=_inception("antialiased_bicubic"),
        real_split="train",
        n_fake=50_000,
    )


@by_name
def mimicry() -> Preset:
    """torch-mimicry: 50,000 of train and of fakes, TF1's bilinear, IS of 10 splits without bias."""
    return Preset(
        metrics=(
            "fid",
            registry.find("inception_score")(splits=10, bias=False),
            registry.find("kid")(subsets=50, subset_size=1000),
        ),
        extractor=_inception("tf1_bilinear"),
        real_split="train",
        n_real=50_000,
        n_fake=50_000,
    )


def _inception(rule: str) -> Callable:
    """A function that loads the Inception network of 2015 with a rule of `resize`."""

    def make(rule: str):
        from compare_gan_tf.metrics import inception, resize

        return inception.inception_2015(rule=getattr(resize, rule))

    return functools.partial(make, rule)


# --- By name ----------------------------------------------------------------------------------


def check(name: str) -> None:
    """Raises a UserError, with the nearest names, unless there is such a preset."""
    if name not in PRESETS:
        nearest = difflib.get_close_matches(name, PRESETS, n=3, cutoff=0.5) or sorted(PRESETS)
        raise UserError(f"no preset {name!r}: the nearest names are {', '.join(nearest)}")


def find(preset: str | Preset | None) -> Preset:
    """A preset by its name; one that is given as it is, and None for `plain`.

    Raises:
      UserError: there is none of that name; tells the nearest ones.
    """
    if not isinstance(preset, str):
        return plain() if preset is None else preset
    check(preset)
    return PRESETS[preset]()


def names_of(text: str) -> list[str]:
    """The names of metrics in a text with commas; [] if it is the name of a preset.

    Raises:
      UserError: a name is neither; tells the nearest names.
    """
    if text in PRESETS:
        return []
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if not registry.is_known(name):
            known = [*registry.names(), *(PRESETS if len(names) == 1 else ())]
            nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)
            raise UserError(f"no metric {name!r}: the nearest names are {', '.join(nearest)}")
    return names


def metrics_of(metrics, preset: Preset) -> tuple:
    """Values of metrics: those asked for, as names with commas, a preset's name or a list of names
    and values; or those of the preset, if None are.
    """
    if isinstance(metrics, str):
        names = names_of(metrics)
        return registry.resolve(names or find(metrics).metrics)
    return registry.resolve(preset.metrics if metrics is None else metrics)
