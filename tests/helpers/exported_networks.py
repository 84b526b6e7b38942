"""Every kind of network that a `.keras` file may hold, each of a few weights."""

import functools
import importlib

from compare_gan_tf import layers
from compare_gan_tf.architectures import biggan_blocks, blocks, local_features, residual
from compare_gan_tf.architectures.conditioning import (
    ClassLogits,
    Concatenation,
    Projection,
    SoftLabels,
)
from compare_gan_tf.architectures.predicted_projection import PredictedProjection

CLASSES, DIM = 3, 12
# {architecture: (sample shape, settings of both players that make them small)}
SMALL = {
    "bgan": ((8, 8, 1), {"width": 2}),
    "biggan": ((32, 32, 3), {"ch": 2}),
    "biggan_deep": ((32, 32, 3), {"ch": 4}),
    "dcgan": ((9, 7, 1), {"width": 2}),
    "deep_conv": ((9, 7, 1), {"width": 2}),
    "fastgan": ((64, 64, 1), {"width": 4}),
    "gaussian": ((DIM,), {}),
    "infogan": ((9, 7, 1), {"width": 2}),
    "maxout": ((4, 4, 1), {"units": 4}),
    "mlp": ((4, 4, 1), {"units": 4}),
    "r3gan": ((8, 8, 1), {"widths": (4, 4), "cardinalities": (2, 2)}),
    "r3gan2": ((8, 8, 1), {"width": 8, "depth": 1, "group_width": 4}),
    "resnet30": ((32, 32, 1), {"width": 1, "depth": 1}),
    "resnet5": ((8, 8, 1), {"width": 2}),
    "resnet_cifar": ((8, 8, 1), {"width": 4}),
    "resnet_stl": ((8, 8, 1), {"width": 2}),
    "sagan": ((32, 32, 3), {"ch": 2}),
    "sndcgan": ((9, 7, 1), {"width": 2}),
    "stylegan2": ((8, 8, 1), {"channel_base": 32, "channel_max": 4}),
    "table": ((4, 3), {}),
    "text_networks": ((4, 3), {"width": 4}),
}
BARE = ("gaussian", "table")  # a generator without labels or norms, and no discriminator
WITHOUT_NORMS = ("r3gan2", "stylegan2")  # no normalisation and no reparameterisation can be chosen
NORMS = {
    "none": layers.no_norm,
    "batch": layers.batch_norm,
    "conditional": functools.partial(layers.conditional_batch_norm, use_bias=True),
    "self_modulation": functools.partial(layers.self_modulation, num_hidden=3),
    "self_modulation_linear": functools.partial(layers.self_modulation, num_hidden=0),
    "layer": layers.layer_norm,
    "instance": layers.instance_norm,
    "group": functools.partial(layers.group_norm, groups=2),
    "virtual": layers.virtual_batch_norm,
    "pixel": layers.pixel_norm,
}
KERNEL_NORMS = {
    "spectral": functools.partial(layers.spectral_norm, vector="auto", iterations=2),
    "weight": layers.weight_norm,
}
CONDITIONINGS = {
    "none": None,
    "projection": Projection("orthogonal"),
    "class_logits": ClassLogits(),
    "concatenation": Concatenation(),
    "predicted": PredictedProjection(soft=True),
    "soft_labels": SoftLabels(),
}
FURTHER = {
    "biggan": {"embed_z": True, "attention": 16, "upsample": residual.zero_insertion},
    "resnet_cifar": {"hierarchical_z": True, "embed_z": True, "embed_y": True},
    "r3gan": {"resampling_filter": (1, 3, 1), "embed_dim": 2},
    "stylegan2": {"style_mixing": 0.0, "truncation": 0.7, "truncation_cutoff": 2},
}


def generators():
    """Yields (name, function that builds it)."""
    for family, (shape, small) in SMALL.items():
        make = functools.partial(_module(family).generator, shape, DIM)
        yield f"{family}/generator", functools.partial(make, **small)
        if family in BARE:
            continue
        make = functools.partial(make, CLASSES, **small)
        chosen = family not in WITHOUT_NORMS
        for name, norm in NORMS.items() if chosen else ():
            yield f"{family}/generator/{name}", functools.partial(make, norm=norm)
        for name, norm in KERNEL_NORMS.items() if chosen else ():
            of_maps = functools.partial(layers.conditional_batch_norm, kernel_norm=norm)
            yield f"{family}/generator/{name}", functools.partial(make, kernel_norm=norm)
            both = functools.partial(make, kernel_norm=norm, norm=of_maps)
            yield f"{family}/generator/{name}_in_norms", both
        if family in FURTHER:
            yield f"{family}/generator/further", functools.partial(make, **FURTHER[family])
    yield "logits", lambda: blocks.unsquashed(_module("bgan").generator((8, 8, 1), DIM, width=2))


def discriminators():
    """Yields (name, function that builds it)."""
    for family, (shape, small) in SMALL.items():
        if family in BARE:
            continue
        alone = functools.partial(_module(family).discriminator, shape, **small)
        yield f"{family}/discriminator", alone
        make = functools.partial(alone, CLASSES)
        for kind in ("norm", "kernel_norm", "conditioning")[2 * (family in WITHOUT_NORMS) :]:
            values = {"norm": NORMS, "kernel_norm": KERNEL_NORMS, "conditioning": CONDITIONINGS}
            for name, value in values[kind].items():
                yield (
                    f"{family}/discriminator/{kind}_{name}",
                    functools.partial(make, **{kind: value}),
                )
        yield f"{family}/discriminator/local", functools.partial(_with_maps, alone)
    shortcut = functools.partial(
        _module("biggan").discriminator, *((32, 32, 3), CLASSES), ch=2, attention=16
    )
    yield "biggan/shortcut", functools.partial(shortcut, shortcut=biggan_blocks.learned_shortcut)


def _with_maps(make):
    return local_features.with_outputs(make(), [local_features.LOCAL_FEATURES])


def _module(family: str):
    return importlib.import_module(f"compare_gan_tf.architectures.{family}")
