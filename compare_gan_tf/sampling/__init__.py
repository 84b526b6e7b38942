"""Draws samples from a checkpoint or an exported module, and writes them to files."""

from compare_gan_tf.sampling.sources import Source, Wanted, of_module, of_pretrained, of_run, wanted
from compare_gan_tf.sampling.walks import beside_nearest, interpolated, looping, truncated
from compare_gan_tf.sampling.writers import (
    FILMS,
    FORMATS,
    film_of_grids,
    format_of,
    require_free,
    write,
)

__all__ = [
    "FILMS",
    "FORMATS",
    "Source",
    "Wanted",
    "beside_nearest",
    "film_of_grids",
    "format_of",
    "interpolated",
    "looping",
    "of_module",
    "of_pretrained",
    "of_run",
    "require_free",
    "truncated",
    "wanted",
    "write",
]
