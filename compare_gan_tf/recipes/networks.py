"""The networks of a recipe, their game and their augmentation."""

import dataclasses
import math

# R3GAN's gamma by side, px, as Huang et al. (2024) publish it for CIFAR-10, FFHQ-64 and FFHQ-256.
_GAMMAS = {32: 0.05, 64: 2.0, 256: 150.0}
_FEW = 5_000  # images, below which more of what D sees is augmented
_SEEN_OFTEN = 200  # times that D sees an image, from which on it is augmented; 110 won nothing
_HALF_LIFE = 500_000  # images, of R3GAN's average of G


@dataclasses.dataclass(frozen=True)
class Part:
    """A decision.

    Attributes:
      title: a word.
      reason: what was chosen and why, one line.
      bindings: gin statements, in order.
    """

    title: str
    reason: str
    bindings: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a device can do in the time of a preset.

    Attributes:
      largest: side, px.
      batch: images of an update.
      steps: of training.
      width: of SNDCGAN on a CPU; of R3GAN's stages up to 32 px on a GPU.
    """

    largest: int
    batch: int
    steps: int
    width: int


def parts(shape, number: int, plan: Plan, device: str, is_conditional: bool) -> list[Part]:
    """The networks and their augmentation.

    Args:
      shape: height and width, px.
      number: of images.
      plan: see `Plan`.
      device: "CPU" or "GPU".
      is_conditional: whether there are labels.
    """
    is_power = shape[0] == shape[1] and math.log2(shape[0]).is_integer() and shape[0] >= 4
    if device == "GPU" and is_power:
        return [_r3gan(shape[0], number, plan)]
    width = plan.width if device == "CPU" else 64
    return [_sndcgan(shape, width, device, is_conditional), _ada(number, plan)]


# --- SNDCGAN -------------------------------------------------------------------------------------


def _sndcgan(shape, width: int, device: str, is_conditional: bool) -> Part:
    why = "the best of four by the same time on a CPU (docs/own_data.md)"
    if device == "GPU":
        why = f"R3GAN makes squares of 4, 8, 16, ... px, and these have {shape[1]} x {shape[0]}"
    bindings = [
        f'include "base/{device.lower()}.gin"',
        'include "base/adam.gin"',
        'include "base/sndcgan.gin"',
        'include "base/sngan.gin"',
        f"sndcgan.generator.width = {width}",
        f"sndcgan.discriminator.width = {width}",
        "sndcgan.discriminator.kernel_norm = @spectral_norm",
        "GAN.latents = @Normal()",
        "Normal.dim = 64",
        "GAN.ema_halflife = 100",
        "adam.learning_rate = 2e-4",
        "adam.beta_1 = 0.0",
    ]
    if is_conditional:
        bindings.insert(7, "sndcgan.generator.norm = @conditional_batch_norm")
    reason = f"SNDCGAN of width {width} with spectral norm and the hinge loss: {why}"
    return Part("networks", reason, tuple(bindings))


def _ada(number: int, plan: Plan) -> Part:
    seen = plan.steps * plan.batch // number
    if seen < _SEEN_OFTEN:
        reason = f"none: D sees each of {number:,} images about {seen:,} times, too few to overfit"
        return Part("augment", reason, ())
    speed = float(plan.steps * plan.batch // 6)
    bindings = (
        "GAN.augment = @ADA()",
        "ADA.controller = @Adaptive()",
        f"Adaptive.speed = {speed}",
    )
    reason = (
        f"ADA, for D sees each image about {seen:,} times: it would learn them by heart, and sees"
        " them moved and recoloured, the more the surer it is"
    )
    return Part("augment", reason, bindings)


# --- R3GAN ---------------------------------------------------------------------------------------


def gamma(side: int) -> float:
    """R3GAN's gamma at the start: published, or between published sizes along a power law.

    Below 32 px it is that of 32, and above 256 px that of 256.
    """
    sides = sorted(_GAMMAS)
    side = min(max(side, sides[0]), sides[-1])
    low = max(one for one in sides if one <= side)
    high = min(one for one in sides if one >= side)
    if low == high:
        return _GAMMAS[low]
    share = math.log(side / low) / math.log(high / low)
    return _GAMMAS[low] ** (1 - share) * _GAMMAS[high] ** share


def _r3gan(side: int, number: int, plan: Plan) -> Part:
    stages = int(math.log2(side / 4)) + 1
    widths = tuple(min(plan.width, plan.width * 32 // (4 << i)) for i in range(stages))
    half_gamma, augmented = float(f"{gamma(side) / 2:.3g}"), 0.6 if number < _FEW else 0.3
    known = "as published for this size" if side in _GAMMAS else "by those of published sizes"
    bindings = (
        'include "base/r3gan.gin"',
        f"HORIZON = {plan.steps}",
        f"HALFLIFE = {min(plan.steps // 20, _HALF_LIFE // plan.batch)}",
        f"half_gamma/cosine_decay.start = {half_gamma}",
        f"half_gamma/cosine_decay.end = {half_gamma / 10:.3g}",
        f"p/cosine_decay.end = {augmented}",
        f"r3gan.generator.widths = {widths}",
        f"r3gan.discriminator.widths = {widths}",
        "evaluate.splits = None",
        "evaluate.num_samples = None",
    )
    reason = (
        f"R3GAN of width {plan.width} with gamma {2 * half_gamma:.3g}, {known}, and ADA up to p ="
        f" {augmented} for {number:,} images: the strongest that ships, for a GPU"
    )
    return Part("networks", reason, bindings)
