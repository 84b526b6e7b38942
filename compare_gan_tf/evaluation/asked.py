"""Types of the settings that the scoring of a run and of any two sides have in common."""

from collections.abc import Iterable
from typing import Annotated, Any

from compare_gan_tf.metrics import presets
from compare_gan_tf.settings.signatures import Made, Number, Several

Metrics = Annotated[
    Any,
    Made(
        Iterable,
        like="names with commas such as 'fid,kid', or a list of names and metrics such as"
        " [@metrics.Fid()]",
    ),
]
Preset = Annotated[
    Any,
    Made(
        lambda value: isinstance(value, str | presets.Preset),
        like=f"the name of a preset, {', '.join(presets.PRESETS)}, or one such as @quick()",
    ),
]
Names = Annotated[Any, Several(Made(str, like="a name"), least=0, like='["validation", "test"]')]
Steps = Annotated[
    Any,
    Made(
        lambda value: isinstance(value, Iterable) and not isinstance(value, str),
        like="a list of steps such as [1000, 2000]",
    ),
]
# Largest |z| of latents with standard deviation 1; 0 for no truncation.
Truncation = Annotated[float, Number(least=0, most=1e6)]
