"""Small runs, exported once for all tests of the exporter."""

import dataclasses

import keras
import keras_checks
import pytest

from compare_gan_tf import export
from compare_gan_tf.architectures import mlp, sndcgan
from compare_gan_tf.export import fresh_process
from compare_gan_tf.gan.drawing import Draws
from compare_gan_tf.latents import Normal
from compare_gan_tf.layers import batch_norm, spectral_norm

DIM = 6
CLASSES = 10
STEP = 30  # of every run here


@dataclasses.dataclass
class Run(Draws):
    """What the exporter needs of a GAN."""

    generator: keras.Model
    discriminator: keras.Model
    num_classes: int | None = None
    uses_ema: bool = False
    latents: Normal = dataclasses.field(default_factory=lambda: Normal(DIM))
    alphabet: None = None
    step: int = STEP
    current_step: int = STEP

    @property
    def sampling_generator(self):
        return self.generator

    @property
    def sample_shape(self):
        return tuple(self.generator.output.shape[1:])


def shaken(model, scale):
    """`model` with weights and statistics away from their neutral initial values."""
    random = keras.random.SeedGenerator(7)
    for variable in model.variables:
        noise = keras.random.uniform(variable.shape, 0.5, 1.5, seed=random)
        sign = keras.random.uniform(variable.shape, -scale, scale, seed=random)
        variable.assign(abs(variable) + noise if "variance" in variable.path else variable + sign)
    return model


def unconditional(shape=(8, 8, 1)):
    """SNDCGAN with batch norm in G and spectral norm in D."""
    return Run(
        shaken(sndcgan.generator(shape, DIM, width=4), 0.3),
        shaken(sndcgan.discriminator(shape, width=4, kernel_norm=spectral_norm), 0.3),
    )


def conditional(shape=(8, 8, 1)):
    return Run(
        shaken(mlp.generator(shape, DIM, CLASSES, units=16, norm=batch_norm), 0.3),
        shaken(mlp.discriminator(shape, CLASSES, units=16, kernel_norm=spectral_norm), 0.3),
        num_classes=CLASSES,
    )


def points():
    return Run(
        shaken(mlp.generator((2,), DIM, units=16), 1.0),
        shaken(mlp.discriminator((2,), units=16), 1.0),
    )


MAKERS = {"unconditional": unconditional, "conditional": conditional, "points": points}


@pytest.fixture(scope="session")
def make():
    """make(name) is a new run, not exported."""
    return lambda name: MAKERS[name]()


@dataclasses.dataclass(frozen=True)
class Exported:
    run: Run
    model_dir: str
    paths: dict[str, str]
    folder: str  # <model_dir>/hub/<step>


def _export(run, model_dir):
    paths = export.export_run(run, str(model_dir), STEP)
    return Exported(run, str(model_dir), paths, str(model_dir / "hub" / str(STEP)))


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """The exported runs by name; their `.keras` files are checked here."""
    keras.utils.set_random_seed(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_process, "_run", keras_checks.run_here)
        return {
            name: _export(maker(), tmp_path_factory.mktemp(name)) for name, maker in MAKERS.items()
        }
