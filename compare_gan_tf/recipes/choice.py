"""Chooses a config by facts about the images, and says why; docs/own_data.md has what was measured.

A choice is a list of parts, and each part has a reason and the bindings that follow from it.
"""

import dataclasses
import math

import numpy as np

from compare_gan_tf.data.surveys import Survey
from compare_gan_tf.errors import UserError
from compare_gan_tf.recipes import networks
from compare_gan_tf.recipes.networks import Part, Plan

PRESETS = ("fast", "quality")
DEVICES = ("CPU", "GPU")

# What a device does in minutes (fast), or in hours (quality).
_PLANS = {
    ("CPU", "fast"): Plan(largest=32, batch=32, steps=2_000, width=16),
    ("CPU", "quality"): Plan(largest=64, batch=32, steps=12_000, width=24),
    ("GPU", "fast"): Plan(largest=64, batch=64, steps=10_000, width=192),
    ("GPU", "quality"): Plan(largest=128, batch=64, steps=160_000, width=384),
}
_SIDES = (4, 8, 16, 28, 32, 48, 64, 96, 128, 256)  # px
_SMALL_SHARE = 0.1  # of the images may be smaller than the samples, and are enlarged
_PER_CLASS = 50  # images of a class on average, from which on labels are used unasked
_CHECKPOINTS = 8


def choose(
    survey: Survey,
    *,
    preset: str = "fast",
    device: str = "CPU",
    labels: bool | None = None,
    image_size: int | None = None,
    channels: int | None = None,
) -> list[Part]:
    """The parts of a config for these images.

    Args:
      survey: facts about them.
      preset: of `PRESETS`: minutes or hours.
      device: of `DEVICES`: what will train.
      labels: whether G and D get the labels; None if there are enough images of each class.
      image_size: side of the samples, px; None for a choice.
      channels: 1 or 3; None for what the images have.

    Raises:
      UserError: labels are asked for and there are none, or the images are too small.
    """
    plan, channels = _PLANS[device, preset], channels or survey.channels
    side = image_size or _side(survey, plan, device)
    shape = (side, side) if survey.resizable or image_size else tuple(map(int, survey.sizes[0]))
    classes = _classes(survey, labels)
    is_conditional = "GAN.conditional = True" in classes.bindings
    return [
        _size(survey, shape, plan, image_size, preset),
        *_broken(survey),
        _colours(survey, channels),
        classes,
        *networks.parts(shape, survey.number, plan, device, is_conditional),
        _length(plan, preset, device),
        _score(shape),
    ]


# --- Size ----------------------------------------------------------------------------------------


def _side(survey: Survey, plan: Plan, device: str) -> int:
    """The largest of `_SIDES` that the plan allows and nine of ten images have."""
    first = survey.sizes[0]
    is_own = (survey.sizes == first).all() and first[0] == first[1]
    if is_own and _SIDES[0] <= first[0] <= plan.largest and (device == "CPU" or first[0] < 64):
        return int(first[0])  # SNDCGAN makes any size
    enough = np.quantile(survey.sides, _SMALL_SHARE, method="lower")
    fitting = [side for side in _SIDES if side <= min(enough, plan.largest)]
    if not fitting:
        raise UserError(
            f"{survey.name}: one image in ten is smaller than {_SIDES[0]} px: the shortest side is"
            f" {survey.sides.min()} px; take larger images, or bind data.load.image_size = 8 to"
            " enlarge them"
        )
    powers = [side for side in fitting if math.log2(side).is_integer()]
    # R3GAN makes powers of two; below 64 px the size matters more than the network.
    return powers[-1] if device == "GPU" and powers[-1] >= 64 else fitting[-1]


def _size(survey: Survey, shape, plan: Plan, asked: int | None, preset: str) -> Part:
    side = shape[0]
    same = bool((survey.sizes == shape).all())
    if same and not asked:
        return Part("size", f"{_px(shape)}, as the images are", ())
    smaller = int((survey.sides < side).sum())
    cut = bool((survey.sizes[:, 0] != survey.sizes[:, 1]).any()) and survey.resizable
    why = f"the largest that nine of ten images have, up to {plan.largest} px for {preset}"
    reason = f"{_px(shape)}, {'as bound' if asked else why}; images are resized"
    if cut:
        reason += (
            " and cut to the middle square (all of them in it: data.load.crop = @padded, with black"
            " around, or @whole, out of proportion)"
        )
    if smaller:
        reason += f"; {smaller:,} smaller ones are enlarged"
    return Part("size", reason, (f"data.load.image_size = {side}",))


def _px(shape) -> str:
    return f"{shape[1]} x {shape[0]} px"


# --- Colours, broken files, labels ---------------------------------------------------------------


def _broken(survey: Survey) -> list[Part]:
    if not survey.broken:
        return []
    first, number = survey.broken[0], len(survey.broken)
    more = f" and {number - 1:,} more" if number > 1 else ""
    reason = f"{number:,} left out: {first.name} ({first.reason}){more}"
    return [Part("broken", reason, ("data.load.broken = @skip_broken",))]


def _colours(survey: Survey, channels: int) -> Part:
    if channels == 1:
        own = survey.channels == 1
        reason = "grey, as the images are" if own else "grey, as bound"
        given = () if own else ("data.load.channels = 1",)
        return Part("colours", f"{reason}; not mirrored, for they may be writing", given)
    reason = "colour"
    if survey.grey:
        reason += f"; {survey.grey:,} grey images get three equal channels"
    reason += "; mirrored at random (without: data.load.flip = False)"
    given = () if survey.channels == 3 else ("data.load.channels = 3",)
    return Part("colours", reason, (*given, "data.load.flip = True"))


def unlabelled(name: str) -> tuple[str, ...]:
    """The bindings by which folders and label files of a data set are read as no labels."""
    kind = name.partition(":")[0]
    if kind not in ("folder", "zip"):
        return ()
    return f"{kind}.class_folders = False", f"{kind}.label_file = False"


def _classes(survey: Survey, asked: bool | None) -> Part:
    if asked is False:
        return Part("labels", "not used, as asked by --nolabels", unlabelled(survey.name))
    counts = survey.class_counts
    if counts is None or (counts > 0).sum() < 2:
        if asked:
            raise UserError(
                f"--labels: {survey.name} has no labels of two classes or more: put the images of"
                " each class into a folder of its own, or add a label file (docs/data.md)"
            )
        return Part("labels", "none: all images are of one kind", ())
    of_class = int(counts.sum() / (counts > 0).sum())
    found = f"{len(counts)} classes, {of_class:,} images in one on average"
    if asked is None and of_class < _PER_CLASS:
        few = f"fewer than {_PER_CLASS} are too few to tell classes apart"
        return Part("labels", f"not used: {found}; {few} (--labels uses them all the same)", ())
    bindings = ("GAN.conditional = True", "GAN.label_distribution = @labels_of_reals")
    if survey.name.partition(":")[0] in ("folder", "zip"):
        found += "; if folders are no classes, begin again with --nolabels in another --model_dir"
        return Part("labels", f"used: {found}", bindings)
    return Part("labels", f"used: {found} (without: --nolabels)", bindings)


# --- Length and score ----------------------------------------------------------------------------


def _length(plan: Plan, preset: str, device: str) -> Part:
    every = plan.steps // _CHECKPOINTS
    span = {"fast": "minutes", "quality": "hours"}[preset]
    bindings = (
        f"train.training_steps = {plan.steps}",
        f"train.batch_size = {plan.batch}",
        "train.steps_per_execution = 10",
        f"train.checkpoint_every = {every}",
        f"train.keep_checkpoints = {_CHECKPOINTS}",
        f"train.sample_every = {every}",
    )
    reason = (
        f"{plan.steps:,} steps of {plan.batch} images, {span} on this {device} (--preset={preset})"
    )
    return Part("length", f"{reason}; more steps later resume the run", bindings)


def _score(shape) -> Part:
    if min(shape) < 8:
        reason = "KID of pixels: the images are too small for patches (low is good)"
        extra = ('evaluate.metrics = ["kid_full"]', "evaluate.extractor = @raw_features()")
        return Part("score", reason, (*extra, 'evaluate.select_by = "kid_full"'))
    reason = (
        "sliced Wasserstein distance of patches (swd, low is good), which downloads nothing; it"
        " picks the best checkpoint by the validation images"
    )
    return Part("score", reason, ('evaluate.metrics = ["swd"]', 'evaluate.select_by = "swd"'))


def with_time(parts: list[Part], words: str) -> list[Part]:
    """The parts with a measured time in the reason of the length."""
    return [
        dataclasses.replace(part, reason=f"{part.reason}; {words}")
        if part.title == "length"
        else part
        for part in parts
    ]
