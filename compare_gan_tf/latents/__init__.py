"""What G is fed: priors of z, and distributions of labels."""

from compare_gan_tf.latents.labels import (
    draw_labels,
    given_or_drawn,
    labels_of_reals,
    require_labels,
    uniform_labels,
)
from compare_gan_tf.latents.priors import (
    Coded,
    Hypersphere,
    Normal,
    Prior,
    Uniform,
    enough_memory,
    require_draw,
    require_seed,
)

__all__ = [
    "Coded",
    "Hypersphere",
    "Normal",
    "Prior",
    "Uniform",
    "draw_labels",
    "enough_memory",
    "given_or_drawn",
    "labels_of_reals",
    "require_draw",
    "require_labels",
    "require_seed",
    "uniform_labels",
]
