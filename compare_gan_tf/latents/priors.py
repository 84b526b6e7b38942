"""Priors of the latent z; training, evaluation and exported modules use the same prior."""

__all__ = [
    "Coded",
    "Hypersphere",
    "Normal",
    "Prior",
    "Uniform",
    "enough_memory",
    "prior_from_config",
    "require_draw",
    "require_seed",
]

import contextlib
from typing import Annotated, Any

import gin
import tensorflow as tf

from compare_gan_tf import random
from compare_gan_tf.errors import UserError
from compare_gan_tf.settings import kinds
from compare_gan_tf.settings.signatures import Count, Made, Number, Positive, Several, checked


class _Latents:
    """Base of the priors. Row i of `sample(num, seed)` does not depend on `num`."""

    @checked
    def __init__(self, dim: Count = 128):
        self.dim = dim

    def get_config(self) -> dict:
        return {"name": type(self).__name__.lower(), "dim": self.dim}


@gin.register(module="latents")
class Normal(_Latents):
    """Standard normal z; truncation t restricts each element to [-t, t] (Brock et al., 2019)."""

    def sample(self, num, seed, truncation=0.0):
        """Draws z, float32 [num, dim].

        Truncation by redrawing until |z| <= t is sampling from the normal restricted to [-t, t].
        The inverse distribution function does this with one draw, monotone in t.

        Args:
          num: int32 scalar.
          seed: int [2]; the same seed gives the same rows.
          truncation: float32 scalar t; t <= 0 for none.
        """
        truncation = tf.cast(truncation, tf.float32)
        below = 0.5 * tf.math.erfc(truncation * 0.5**0.5)  # P(Z <= -t)
        below = tf.where(truncation > 0.0, below, 0.0)
        limit = tf.where(truncation > 0.0, truncation, float("inf"))
        # The CPU works on vectors of 16 numbers and rounds the rest differently. With a whole
        # number of vectors, row i does not depend on `num`.
        padded = [num + (-num) % 16, self.dim]
        probability = below + (1.0 - 2.0 * below) * random.uniform(padded, seed)
        return tf.clip_by_value(tf.math.ndtri(probability), -limit, limit)[:num]


@gin.register(module="latents")
class Uniform(_Latents):
    """z uniform on (-limit, limit). Truncation t > 0 scales z by t.

    Args:
      dim: dimension of z.
      limit: 1 is compare_gan's default; the square root of 3 gives variance 1.
    """

    @checked
    def __init__(self, dim: Count = 128, limit: Positive = 1.0):
        super().__init__(dim)
        self.limit = limit

    def sample(self, num, seed, truncation=0.0):
        """Draws z, float32 [num, dim]; the arguments are those of `Normal.sample`."""
        truncation = tf.cast(truncation, tf.float32)
        z = random.uniform([num, self.dim], seed) * 2.0 - 1.0
        return z * self.limit * tf.where(truncation > 0.0, truncation, 1.0)

    def get_config(self) -> dict:
        return super().get_config() | {"limit": self.limit}


@gin.register(module="latents")
class Hypersphere(_Latents):
    """z uniform on the sphere of radius sqrt(dim): a normal z, scaled to that length.

    Truncation acts on the normal z before it is scaled, so that no element dominates.
    """

    def sample(self, num, seed, truncation=0.0):
        """Draws z, float32 [num, dim]; the arguments are those of `Normal.sample`."""
        z = Normal(self.dim).sample(num, seed, truncation)
        length = tf.sqrt(tf.reduce_sum(tf.square(z), 1, keepdims=True))
        # The maximum also prevents a rewrite of the quotient in graphs, which would change bits.
        return z / tf.maximum(length, 1e-6) * self.dim**0.5


PlainPrior = Annotated[_Latents, Made(_Latents, like="a prior without codes, as @Normal()")]
Categories = Annotated[
    tuple, Several(Number(least=2, whole=True, unit="values"), least=0, like="[10]")
]
Codes = Annotated[int, Number(least=0, whole=True, unit="codes")]


@gin.register(module="latents")
class Coded:
    """z = (noise, one-hot categorical codes, continuous codes in (-1, 1)), as in InfoGAN.

    Codes are uniform (Chen et al., 2016, section 7). Truncation acts on the noise only.

    Args:
      noise: prior of the noise; None for `Normal(62)`.
      categorical: number of values of each categorical code.
      continuous: number of continuous codes.
    """

    @checked
    def __init__(
        self,
        noise: PlainPrior | None = None,
        categorical: Categories = (10,),
        continuous: Codes = 2,
    ):
        self.noise = Normal(62) if noise is None else noise
        self.categorical = tuple(categorical)
        self.continuous = continuous
        self.dim = self.noise.dim + sum(self.categorical) + continuous

    @property
    def categorical_slices(self) -> list[slice]:
        """The place of each categorical code in z."""
        starts = [self.noise.dim + sum(self.categorical[:i]) for i in range(len(self.categorical))]
        return [slice(s, s + size) for s, size in zip(starts, self.categorical, strict=True)]

    def sample(self, num, seed, truncation=0.0):
        """Draws z, float32 [num, dim]; the arguments are those of `Normal.sample`."""
        parts = [self.noise.sample(num, seed, truncation)]
        for index, size in enumerate(self.categorical):
            own = tf.random.fold_in(seed, 2 + index, alg="philox")  # 1 is for labels
            parts.append(tf.one_hot(random.integers([num], own, size), size))
        if self.continuous:
            own = tf.random.fold_in(seed, 2 + len(self.categorical), alg="philox")
            parts.append(random.uniform([num, self.continuous], own) * 2.0 - 1.0)
        return tf.concat(parts, 1)

    def get_config(self) -> dict:
        codes = {"categorical": list(self.categorical), "continuous": self.continuous}
        return {"name": "coded", "dim": self.dim, "noise": self.noise.get_config(), **codes}


def prior_from_config(config: dict):
    """The prior of which `get_config` returned `config`.

    Raises:
      UserError: it is of another kind than those of this module, or damaged.
    """
    kinds_ = {kind.__name__.lower(): kind for kind in (Coded, Hypersphere, Normal, Uniform)}
    settings = {key: value for key, value in config.items() if key != "name"}
    if config.get("name") not in kinds_:
        raise UserError(f"a prior is of the kind {config.get('name')!r}, not {', '.join(kinds_)}")
    if config["name"] == "coded":
        settings = settings | {"noise": prior_from_config(settings["noise"])}
        settings.pop("dim", None)
    return kinds_[config["name"]](**settings)


def _is_prior(value) -> bool:
    return callable(getattr(value, "sample", None)) and hasattr(value, "dim")


Prior = Annotated[Any, Made(_is_prior, like="a prior such as @Normal()")]


def require_draw(num, seed):
    """Checks the number of samples and their seed; returns the seed as a tensor int [2].

    Raises:
      UserError: `num` is not a whole number in [0, 10^7] (unchecked if a graph does not know it),
        or the seed is not two whole numbers.
    """
    known = tf.get_static_value(num) if tf.is_tensor(num) else num
    if known is not None or num is None:
        known = known.item() if getattr(known, "shape", None) == () else known
        kinds.require_number("num", known, least=0, most=_MOST_SAMPLES, whole=True, unit="samples")
    return require_seed(seed)


@contextlib.contextmanager
def enough_memory(num):
    """A context that turns an out-of-memory error into one line with the number of samples.

    Raises:
      UserError: the samples do not fit into memory.
    """
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise UserError(
            f"num is {num}: there is not enough memory for as many samples at once; take fewer, "
            "with several seeds"
        ) from error


_MOST_SAMPLES = 10**7


def require_seed(seed):
    """Checks a seed; returns it as a tensor int [2].

    Raises:
      UserError: it is not two whole numbers.
    """
    try:
        seed = tf.convert_to_tensor(seed)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"the seed is {seed!r}: it must be two whole numbers: {_SEED}") from error
    if not seed.dtype.is_integer or tuple(seed.shape) != (2,):
        raise UserError(f"the seed is {seed.dtype.name} {seed.shape}: it must be int {_SEED}")
    return seed


_SEED = "[2], such as [0, 1]"
