"""What does not fit into the memory is told before it runs, with what would fit."""

import functools
import math
import types

import keras
import pytest
import tensorflow as tf

from compare_gan_tf import GAN, data, latents, training
from compare_gan_tf.architectures import mlp
from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import memory_needs
from compare_gan_tf.objectives import Adversarial
from compare_gan_tf.settings import memory


def make(sample_shape=(8, 8, 1), num_classes=None, seed=0, **settings):
    return GAN(
        sample_shape,
        num_classes,
        seed,
        generator=functools.partial(mlp.generator, units=8, depth=2),
        discriminator=functools.partial(mlp.discriminator, units=8, depth=2),
        objectives=[Adversarial()],
        latents=latents.Normal(3),
        **settings,
    )


@pytest.fixture
def machine(monkeypatch):
    """Returns a function that makes the machine one of so many bytes, so many of them free."""

    def of(total, free):
        monkeypatch.setattr(memory, "total", lambda: total)
        monkeypatch.setattr(memory, "available", lambda: free)

    return of


def layers(player):
    """Numbers in the inputs of a plain chain of layers, and in the outputs of each, by hand."""
    outputs = [layer.output for layer in player.layers]
    return sum(math.prod(tensor.shape[1:]) for tensor in outputs)


def test_a_sample_takes_the_outputs_of_the_layers():
    gan = make()
    of_g, of_d = layers(gan.generator), layers(gan.discriminator)
    assert memory_needs.of_sample(gan) == 4 * max(2 * of_d, of_g + of_d)
    assert of_g > of_d > 64 + 8 + 8 + 1


@pytest.mark.parametrize(
    ("settings", "share"),
    [({"accumulation": 4}, 0.25), ({"precision": "mixed_bfloat16"}, 0.5)],
)
def test_micro_batches_and_short_numbers_take_less(settings, share):
    plain = memory_needs.of_sample(make())
    assert share <= memory_needs.of_sample(make(**settings)) / plain < share + 0.2


@pytest.fixture
def check(monkeypatch):
    """`memory_needs.check` under a strategy of so many replicas, on so many machines."""

    def check(gan, batch_size, replicas=1, machines=1):
        workers = types.SimpleNamespace(number=machines)
        monkeypatch.setattr(memory_needs.workers, "Workers", lambda strategy: workers)
        strategy = types.SimpleNamespace(num_replicas_in_sync=replicas)
        memory_needs.check(gan, batch_size, strategy)

    return check


def test_a_batch_that_cannot_fit_is_refused_with_one_that_does(machine, check):
    gan = make()
    sample = memory_needs.of_sample(gan)
    machine(total=100 * sample, free=100 * sample)
    check(gan, 100)
    with pytest.raises(UserError, match="train.batch_size = 101.* a batch of 50 fits; or set"):
        check(gan, 101)
    with pytest.raises(UserError, match="a batch of 48 fits"):  # eight replicas share it
        check(gan, 104, replicas=8)
    check(gan, 200, replicas=2, machines=2)
    with pytest.raises(UserError, match="a batch of 100 fits"):
        check(gan, 202, replicas=2, machines=2)


def test_images_of_which_not_one_fits_are_refused(machine, check):
    gan = make()
    machine(total=memory_needs.of_sample(gan) - 1, free=0)
    with pytest.raises(UserError, match="not one sample fits; set GAN.accumulation or GAN.remat"):
        check(gan, 1)


def test_a_step_that_may_not_fit_is_told_and_runs(machine, check, caplog):
    gan = make()
    sample = memory_needs.of_sample(gan)
    machine(total=100 * sample, free=20 * sample)
    check(gan, 10)
    assert not caplog.records
    check(gan, 11)
    (record,) = caplog.records
    assert "train.batch_size = 11: a step takes" in record.getMessage()


def test_weights_are_counted_before_they_are_made(machine):
    machine(total=10**12, free=2**27 - 1)
    with memory_needs.weights_fit():
        keras.layers.Dense(64).build((None, 2**20 // 64))  # 4 MiB: not looked at
    with pytest.raises(UserError, match=r"/kernel of shape \(8192, 4096\) take 0.1 GB, and there"):
        with memory_needs.weights_fit():
            keras.layers.Dense(4096, name="wide").build((None, 8192))  # 2^27 bytes
    with memory_needs.weights_fit():
        machine(total=10**12, free=2**28)
        keras.layers.Dense(4096, name="wide").build((None, 8192))


def test_a_training_is_refused_before_it_writes(machine, tmp_path):
    machine(total=10_000, free=10_000)
    with pytest.raises(UserError, match="train.batch_size = 64: a step takes"):
        training.train(
            str(tmp_path / "run"), dataset=data.load("digits"), model=make, batch_size=64
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [64, 1])
def test_an_error_of_the_allocator_is_one_line_with_half_the_batch(number):
    """Of the kind that a GPU gives: no machine has 2^60 bytes."""
    with pytest.raises(UserError, match=f"batch_size = {number}: .* try {max(1, number // 2)}, or"):
        with memory_needs.explained(number):
            tf.zeros([2**58])


def test_a_full_disk_is_another_error():
    full = tf.errors.ResourceExhaustedError(None, None, "No space left on device")
    with pytest.raises(tf.errors.ResourceExhaustedError), memory_needs.explained(8):
        raise full
