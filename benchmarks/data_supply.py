"""How many images a second our pipeline supplies for each that a training step consumes.

The trainings are small configs with the cheapest steps that we ship; each step is timed alone, over
one batch that is always there, and the pipeline alone, over images of the same shape: from memory,
and from decoded images on a disk. Exits with 1 if the pipeline supplies less than 3 times what the
step consumes.

  python benchmarks/data_supply.py
"""

import argparse
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import gin
import numpy as np
import tensorflow as tf
from PIL import Image

from compare_gan_tf import config, data, training
from compare_gan_tf.config import configurables
from compare_gan_tf.data import Dataset, Split, pipeline

REQUIRED = 3.0
# name of the config: side of its grey images of 10 classes
CONFIGS = {"quickstart.gin": 8, "small/mnist_infogan.gin": 28}
IMAGES, BATCH = 2_000, 64


def generated(side: int) -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(IMAGES, side, side, 1), dtype=np.uint8)
    labels = rng.integers(10, size=IMAGES).astype(np.int32)
    return Dataset("generated", {"train": Split(images, labels)}, 10)


def on_a_disk(dataset: Dataset, scratch: str) -> Dataset:
    """The same images as PNG files, decoded once to a file."""
    folder = os.path.join(scratch, str(dataset.sample_shape[0]))
    os.makedirs(folder)
    for index, image in enumerate(dataset.splits["train"].images):
        Image.fromarray(image[..., 0]).save(os.path.join(folder, f"{index:05}.png"))
    return data.load(f"folder:{folder}", memory_budget=0, cache_folder=scratch)


def training_step(name: str, dataset: Dataset):
    """(a function that takes one step, the images that it consumes)."""
    config.parse([name], [])
    gan = training.build(gin.get_bindings("train")["model"], dataset)
    split = dataset.splits["train"]
    shape = (BATCH, gan.slices, *dataset.sample_shape)
    number = BATCH * gan.slices
    images = tf.constant(split.images[:number].reshape(shape))
    labels = tf.constant(split.labels[:number].reshape(shape[:2]))
    step = tf.function(lambda: gan.train_step((images, labels)))
    step()
    return step, number


def supply(dataset: Dataset):
    """(a function that takes one batch, the images in it)."""
    batches = pipeline.batches(
        dataset.splits["train"], key=1, batch_size=BATCH, slices=1, start=0, stop=2**40
    ).as_numpy_iterator()
    next(batches)
    return lambda: next(batches), BATCH


def rate(function, images: int, seconds: float) -> float:
    """Images a second, measured over some seconds."""
    start, calls = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds:
        function()
        calls += 1
    return images * calls / spent


def compare(name: str, scratch: str, rounds: int, seconds: float) -> float:
    """Prints the rates; returns the lesser of the median ratios."""
    gin.clear_config()  # of the config before
    dataset = generated(CONFIGS[name])
    ways = {"memory": supply(dataset), "a disk": supply(on_a_disk(dataset, scratch))}
    step = training_step(name, dataset)
    found = {way: [] for way in ("step", *ways)}
    for _ in range(rounds):
        for way, measured in {"step": step, **ways}.items():
            found[way].append(rate(*measured, seconds))
    consumed = found.pop("step")
    print(f"{name}: a step consumes {statistics.median(consumed):,.0f} images a second")
    ratios = []
    for way, rates in found.items():
        pairs = [ours / theirs for ours, theirs in zip(rates, consumed, strict=True)]
        ratios.append(statistics.median(pairs))
        print(
            f"  from {way} {statistics.median(rates):,.0f}, ratio {ratios[-1]:.1f} (median of"
            f" {rounds}, {min(pairs):.1f} to {max(pairs):.1f})",
            flush=True,
        )
    return min(ratios)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 0 < arguments.seconds < 3600:
        parser.error("--rounds must be at least 1, --seconds above 0 and below 3600")
    configurables.load()
    with tempfile.TemporaryDirectory() as scratch:
        ratios = [compare(name, scratch, arguments.rounds, arguments.seconds) for name in CONFIGS]
    print(
        f"the pipeline supplies at least {min(ratios):.1f} times what a step consumes (required"
        f" {REQUIRED}); {os.cpu_count()} cores"
    )
    sys.exit(int(min(ratios) < REQUIRED))


if __name__ == "__main__":
    main()
