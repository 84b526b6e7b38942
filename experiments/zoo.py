"""Trains the models of the zoo: three seeds each, of which the median one is packed.

  python experiments/zoo.py                     # lists the models, with what is trained already
  python experiments/zoo.py digits sentences    # trains and packs two of them
  python experiments/zoo.py all --data_dir=/data/tfds

A model is a packaged config, trained to its last step with seeds 0, 1 and 2, in
<runs>/<model>/<seed>;
what was begun goes on. The last checkpoints are scored on the test split, and the run with the
median of the first metric is exported to compare_gan_tf/pretrained/zoo/<model>, with the package;
a model that does not ship, for the package has at most 15 MB of them, to <runs>/<model>/packed.
"""

import argparse
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import zipfile
from typing import NamedTuple

from compare_gan_tf.export import cards
from compare_gan_tf.pretrained import shipped
from compare_gan_tf.runs import results

SEEDS = (0, 1, 2)
SHIPPED = ("generator.keras", "discriminator.keras", cards.PICTURE)


class Model(NamedTuple):
    """A model of the zoo.

    Attributes:
      config: name of its config.
      metrics: of `compare-gan evaluate`; the first one decides which seed is the median.
      downloads: whether its data come from tensorflow-datasets.
      bindings: of `compare-gan evaluate`.
      ships: whether it is part of the package.
    """

    config: str
    metrics: str = "fid,kid,prdc"
    downloads: bool = True
    bindings: tuple[str, ...] = ()
    ships: bool = True


MODELS = {
    "digits": Model("quickstart.gin", "fid,prdc", downloads=False),
    "digits_bits": Model("small/digits_bgan.gin", "fid,prdc", downloads=False),
    "digits_16_colours": Model("bgan/digits_16_colours.gin", "fid,prdc", downloads=False),
    "mnist": Model("zoo/mnist.gin"),
    "fashion_mnist": Model("zoo/fashion_mnist.gin"),
    "fashion_mnist_sndcgan": Model("zoo/fashion_mnist_sndcgan.gin", ships=False),
    "fashion_mnist_bits": Model("zoo/fashion_mnist_bits.gin", "fid,prdc", ships=False),
    "cifar10": Model(
        "zoo/cifar10.gin",
        bindings=("evaluate.extractor = @keras_resnet50()", "keras_resnet50.size = 96"),
    ),
    "sentences": Model("bgan/sentences.gin", "bigram_divergence", downloads=False),
    "ring": Model(
        "toy/lsgan_ring.gin",
        "gaussian_modes",
        downloads=False,
        bindings=("GaussianModes.mixture = @gaussian_ring()",),
    ),
}


def command(verb: str, *flags: str) -> None:
    """Runs a verb of compare-gan in a process of its own; it must succeed."""
    subprocess.run([sys.executable, "-m", "compare_gan_tf.bin.main", verb, *flags], check=True)


def train(name: str, seed: int, options: argparse.Namespace) -> pathlib.Path:
    """Trains, scores and exports one seed; returns the folder of the run."""
    model, folder, data_dir = MODELS[name], options.runs / name / str(seed), options.data_dir
    flags = [f"--gin_config={model.config}", f"--gin_bindings=train.seed = {seed}"]
    if model.downloads and data_dir:
        flags.append(f"--gin_bindings=data.load.data_dir = {data_dir!r}")
    command("train", f"--model_dir={folder}", *flags)
    scored = ("--checkpoint=latest", f"--metrics={model.metrics}")
    bound = ["evaluate.splits = ('test',)", *model.bindings]
    if options.resnet50 and any("keras_resnet50" in one for one in bound):
        bound.append(f"keras_resnet50.path = {options.resnet50!r}")
    bindings = [f"--gin_bindings={one}" for one in bound]
    command("evaluate", f"--model_dir={folder}", *scored, *bindings)
    command("export", f"--model_dir={folder}", "--checkpoint=latest")
    return folder


def score(folder: pathlib.Path, metric: str) -> float:
    """The newest score of a metric on the test split, at the last step."""
    rows = [r for r in results.read(results.path(folder)) if r["split"] == "test"]
    rows = [r for r in rows if r["metric"] == metric and r["value"] is not None]
    return max(rows, key=lambda row: (row["step"], row["time"]))["value"]


def pack(name: str, folders: dict[int, pathlib.Path], target: pathlib.Path) -> None:
    """Copies the export of the median seed to `target`, with the scores of all in its card."""
    metric = MODELS[name].metrics.split(",")[0]
    found = {seed: score(folder, metric) for seed, folder in folders.items()}
    median = next(s for s, value in found.items() if value == statistics.median_low(found.values()))
    export = max((folders[median] / "hub").iterdir(), key=lambda path: int(path.name))
    known = cards.read(str(export)) | {"name": name}
    known["training"]["config"] = _without_data_dir(known["training"]["config"])
    known["seeds"] = {"metric": metric, "values": found, "shipped": median}
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for file in SHIPPED:
        copy = _compress if file.endswith(".keras") else shutil.copy
        copy(export / file, partial / file)
    (partial / cards.FACTS).write_text(json.dumps(known, indent=2) + "\n")
    (partial / cards.CARD).write_text(cards.text(known, picture=True))
    cards.write_manifest(str(partial), [*SHIPPED, cards.FACTS, cards.CARD])
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    print(f"{name}: {metric} {found}, seed {median} is the median: {target}")


def _compress(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies an archive and compresses its members, which Keras does not."""
    how = {"compress_type": zipfile.ZIP_DEFLATED, "compresslevel": 9}
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as packed:
        for member in archive.infolist():
            packed.writestr(member, archive.read(member), **how)


def _without_data_dir(config: str) -> str:
    """A config without the place of the data, which is another one elsewhere."""
    return re.sub(r"^(data\.)?load\.data_dir = .*\n", "", config, flags=re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", help="names of models, or all")
    parser.add_argument("--runs", type=pathlib.Path, default=pathlib.Path("runs/zoo"))
    parser.add_argument("--target", type=pathlib.Path, default=shipped.FOLDER)
    parser.add_argument("--data_dir", help="folder of tensorflow-datasets' data sets")
    parser.add_argument("--resnet50", help="weights of Keras' ResNet50, in place of the download")
    options = parser.parse_args()
    if not options.models:
        for name, model in MODELS.items():
            begun = sum((options.runs / name / str(seed)).is_dir() for seed in SEEDS)
            there = "ships" if model.ships else "is not part of the package"
            print(f"{name:24}{model.config:32}{begun} of {len(SEEDS)} seeds begun, {there}")
    names = list(MODELS) if options.models == ["all"] else options.models
    unknown = [name for name in names if name not in MODELS]
    if unknown:
        parser.error(f"there is no model {unknown[0]!r}: the models are {', '.join(MODELS)}")
    for name in names:
        folders = {seed: train(name, seed, options) for seed in SEEDS}
        kept = options.runs / name / "packed"
        pack(name, folders, options.target / name if MODELS[name].ships else kept)


if __name__ == "__main__":
    main()
