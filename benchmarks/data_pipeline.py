"""Images a second of our data pipeline beside those of the ancestor's, and the memory it takes.

The ancestor's way, as its code does it: decode one image after the other, make it float, shuffle a
buffer of 10,000 floats, batch, prefetch. Ours shuffles indices; a set within the memory budget is
decoded once and held in memory, a larger one decoded once to a file on a disk, and one that is too
large for that, or whose random crops are taken at the source, decoded anew each time. All are asked
for the same batches of 64 in turn, once their buffers are full.

CIFAR-10 is that of tfds in the folder that COMPARE_GAN_DATA_DIR names, or else 20,000 generated
images in the same form; the folder is of 4,000 generated JPEGs of 128 x 128 pixels. Exits with 1 if
ours, from memory and from a disk, is not 3 times as fast on both, or if its memory grows with the
number of images. Decoding anew has no such bound: what decodes is as fast in both, and it has as
many threads as there are cores.

  python benchmarks/data_pipeline.py
"""

import argparse
import importlib
import io
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
from PIL import Image

REQUIRED = 3.0
MEMORY, DISK, ANEW = "ours in memory", "ours on a disk", "ours decoding anew"
GROWTH = 1.1  # of the peak memory from the smallest to the largest folder, at most
BATCH, BUFFER = 64, 10_000
FOLDER_SIZES = (1_000, 2_000, 4_000)
MEMORY_RUN = 4_000  # images read by each run whose memory is measured


# --- Generated images ------------------------------------------------------------------------


def picture(rng, side: int) -> Image.Image:
    """A smooth random image with some noise, which compresses about like a photograph."""
    coarse = rng.integers(256, size=(8, 8, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side)), np.float32)
    noisy = smooth + rng.normal(0, 6, smooth.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def write_folder(root: pathlib.Path, number: int, side: int) -> None:
    rng = np.random.default_rng(0)
    root.mkdir()
    for i in range(number):
        picture(rng, side).save(root / f"{i:05}.jpg", quality=90)


def write_tfrecord(path: pathlib.Path, number: int) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(number):
            buffer = io.BytesIO()
            picture(rng, 32).save(buffer, format="PNG")
            example = tf.train.Example()
            example.features.feature["image"].bytes_list.value.append(buffer.getvalue())
            example.features.feature["label"].int64_list.value.append(i % 10)
            writer.write(example.SerializeToString())


# --- The two ways ----------------------------------------------------------------------------


def ancestor_records(files: list[str]):
    """Float images and labels of tf.train.Examples, one after the other."""
    import tensorflow as tf

    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }

    def parse(record):
        example = tf.io.parse_single_example(record, features)
        return tf.io.decode_png(example["image"], 3), example["label"]

    return tf.data.TFRecordDataset(files).map(parse)


def ancestor_files(files: list[str]):
    """Images of JPEG files, with label 0, one after the other."""
    import tensorflow as tf

    paths = tf.data.Dataset.from_tensor_slices(files)
    return paths.map(lambda path: (tf.io.decode_jpeg(tf.io.read_file(path), 3), 0))


def ancestor_way(decoded):
    """Endless batches as the ancestor made them of (uint8 image, label)."""
    import tensorflow as tf

    samples = decoded.repeat().map(lambda image, label: (tf.cast(image, tf.float32) / 255.0, label))
    samples = samples.shuffle(BUFFER, seed=547).batch(BATCH, drop_remainder=True)
    return samples.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()


def our_way(name: str, **options):
    """Endless batches of ours."""
    from compare_gan_tf import data
    from compare_gan_tf.data import pipeline

    train = data.load(name, **options).splits["train"]
    return pipeline.batches(
        train, key=1, batch_size=BATCH, slices=1, start=0, stop=2**40
    ).as_numpy_iterator()


def rate(batches, seconds: float) -> float:
    """Images a second, measured over some seconds."""
    start, number = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds:
        next(batches)
        number += BATCH
    return number / spent


def compare(title: str, ancestor, name: str, timing: tuple, cache: pathlib.Path, **options):
    """Prints the rates of each way; returns the median ratios from memory and from a disk."""
    rounds, seconds = timing
    ways = {
        "ancestor": ancestor_way(ancestor),
        MEMORY: our_way(name, **options),
        DISK: our_way(name, memory_budget=0, cache_folder=str(cache), **options),
        ANEW: our_way(name, memory_budget=0, disk_budget=0, **options),
    }
    for way, batches in ways.items():
        start = time.perf_counter()
        next(batches)  # fills the buffer, or decodes what is kept
        print(f"{title}, {way}: {time.perf_counter() - start:.1f} s to the first batch", flush=True)
    found = {way: [] for way in ways}
    for _ in range(rounds):
        for way, batches in ways.items():
            found[way].append(rate(batches, seconds))
    base = found.pop("ancestor")
    print(f"{title}: ancestor {statistics.median(base):,.0f} images a second")
    ratios = {}
    for way, rates in found.items():
        pairs = [ours / theirs for ours, theirs in zip(rates, base, strict=True)]
        ratios[way] = statistics.median(pairs)
        print(
            f"  {way}: {statistics.median(rates):,.0f}, ratio {ratios[way]:.1f} (median of"
            f" {rounds}, {min(pairs):.1f} to {max(pairs):.1f})",
            flush=True,
        )
    return ratios[MEMORY], ratios[DISK]


# --- Memory ----------------------------------------------------------------------------------


def measure_memory(folder: str, number: int, cache: str | None) -> None:
    """Reads images of a folder that is not kept in memory; prints the peak, in MiB, as JSON."""
    kept = {"cache_folder": cache} if cache else {"disk_budget": 0}
    importlib.import_module("tensorflow")  # what it takes is not the data's
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batches = our_way(f"folder:{folder}", memory_budget=0, **kept)
    for _ in range(number // BATCH):
        next(batches)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"peak": after / 1024, "grown": (after - before) / 1024}))


def memory_of(folder: pathlib.Path, number: int, cache: pathlib.Path | None = None) -> dict:
    command = [sys.executable, __file__, "--memory", str(folder), "--images", str(number)]
    command += ["--cache", str(cache)] if cache else []
    child = subprocess.run(command, capture_output=True, text=True)
    if child.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{child.stderr}")
    return json.loads(child.stdout.splitlines()[-1])


def compare_memory(scratch: pathlib.Path) -> float:
    """Prints the peak memory for folders of several sizes; returns the growth of it."""
    peaks = {ANEW: [], DISK: []}
    for number in FOLDER_SIZES:
        folder = scratch / f"{number}x128"
        write_folder(folder, number, 128)
        for way, cache in {ANEW: None, DISK: scratch / "cache"}.items():
            peaks[way].append(memory_of(folder, MEMORY_RUN, cache)["peak"])
            print(f"{number} of 128 x 128, {way}: peak {peaks[way][-1]:.0f} MiB", flush=True)
    large = scratch / "300x512"
    write_folder(large, 300, 512)
    found = memory_of(large, 1_000)
    print(
        f"300 of 512 x 512, {ANEW}: peak {found['peak']:.0f} MiB, {found['grown']:.0f} of them"
        f" data; the ancestor's buffer alone is {BUFFER * 512 * 512 * 12 / 2**20:,.0f} MiB"
    )
    return max(max(found) / min(found) for found in peaks.values())


def cifar(scratch: pathlib.Path):
    """(title, the ancestor's records, our name of the same set, options)."""
    folder = os.environ.get("COMPARE_GAN_DATA_DIR")
    if folder:
        files = sorted(map(str, pathlib.Path(folder).glob("cifar10/*/cifar10-train.tfrecord*")))
        return "CIFAR-10", ancestor_records(files), "cifar10", {"data_dir": folder}
    path = scratch / "generated.tfrecord"
    write_tfrecord(path, 20_000)
    title = "20,000 generated images of 32 x 32"
    return title, ancestor_records([str(path)]), f"tfrecord:{path}", {}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each way is measured")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--memory", help=argparse.SUPPRESS)
    parser.add_argument("--images", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--cache", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 0 < arguments.seconds < 3600:
        parser.error("--rounds must be at least 1, --seconds above 0 and below 3600")
    if arguments.memory:
        measure_memory(arguments.memory, arguments.images, arguments.cache)
        return
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        growth = compare_memory(scratch)
        title, records, set_name, options = cifar(scratch)
        common = {"timing": (arguments.rounds, arguments.seconds), "cache": scratch / "cache"}
        ratios = compare(title, records, set_name, **common, **options)
        folder = scratch / "4000x128"
        files = sorted(map(str, folder.glob("*.jpg")))
        title = "4,000 JPEGs of 128 x 128"
        ratios += compare(title, ancestor_files(files), f"folder:{folder}", **common)
    print(
        f"ours is at least {min(ratios):.1f} times as fast (required {REQUIRED}); its memory grows"
        f" by a factor of {growth:.2f} from {FOLDER_SIZES[0]} to {FOLDER_SIZES[-1]} images (at most"
        f" {GROWTH}); {os.cpu_count()} cores"
    )
    sys.exit(int(min(ratios) < REQUIRED or growth > GROWTH))


if __name__ == "__main__":
    main()
