"""Show a data set: counts, shapes, value ranges, classes, a grid of samples, and reading speed.

It reads all samples that a training would read, so that it finds broken files before training.

For example:

  compare-gan data --dataset=cifar10 --data_dir=/data/tfds --output=cifar10.png

Show your own images, resized to 64 x 64 pixels:

  compare-gan data --dataset=folder:/data/photos --gin_bindings='data.load.image_size = 64'
"""

import dataclasses

from absl import flags

from compare_gan_tf.bin import output
from compare_gan_tf.errors import UserError

_SHOWN_CLASSES = 20
_BAR = 40  # characters of the longest bar
_NAME = 24  # characters of the longest name of a class

COMMON_FLAGS = ("gin_config", "gin_bindings", "allow_imports")
NEEDS_MODEL_DIR = False
HELP = {
    "gin_config": "Gin config file: a path, or the name of a packaged config. Repeatable; later"
    " files override earlier ones. Default: none.",
    "allow_imports": "Your own Python modules that configs may import, such as my_data; importing a"
    " module runs its code. Repeatable, or comma-separated.",
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    flags.DEFINE_string(
        "dataset",
        None,
        "Name of the data set, or folder:PATH, zip:PATH, npz:PATH, tfrecord:PATH, text:PATH."
        " Default: data.load.name of the config.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of tensorflow-datasets' data sets.", flag_values=flag_values
    )
    flags.DEFINE_string("output", None, "PNG file for a grid of samples.", flag_values=flag_values)
    flags.DEFINE_bool(
        "overwrite", False, "Replace the file of --output if it exists.", flag_values=flag_values
    )
    output.define_json_flag(flag_values)


def run(values: flags.FlagValues) -> None:
    """Prints the facts about the data set, and writes the grid."""
    if not values.dataset and not values.gin_config and not values.gin_bindings:
        raise UserError("--dataset is missing: name a data set, such as --dataset=cifar10")
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf import config, data
    from compare_gan_tf.config import configurables
    from compare_gan_tf.data import summary
    from compare_gan_tf.storage import staging

    if values.output:
        staging.require_free(values.output, overwrite=values.overwrite)
    configurables.load()
    config.parse(values.gin_config, [*values.gin_bindings, *_bindings(values)])
    dataset = data.load()
    config.check_used([name for name in configurables.modules() if ".data." not in name])
    if values.output and not dataset.is_images:
        raise UserError(f"--output={values.output}: {dataset.name} has no images to show")
    (_show_json if values.json else _show)(dataset)
    if values.output:
        with staging.staged_file(values.output, overwrite=values.overwrite) as path:
            with open(path, "wb") as file:
                file.write(summary.grid_png(dataset))
        if not values.json:
            print(values.output)


def _show(dataset) -> None:
    """Prints the facts, split by split, and the speed of training's batches."""
    from compare_gan_tf.data import summary

    for line in _facts(dataset):
        print(line)
    for name, split in dataset.splits.items():
        print()
        for line in _split_lines(name, summary.of_split(dataset, split), dataset.class_names):
            print(line)
    train = dataset.splits["train"]
    print(f"\n{summary.rate(train):,.0f} samples a second in training, {summary.kept(train)}")


def _show_json(dataset) -> None:
    from compare_gan_tf.data import summary

    splits = {
        name: dataclasses.asdict(summary.of_split(dataset, split))
        for name, split in dataset.splits.items()
    }
    output.show_json({
        "name": dataset.name,
        "sample_shape": dataset.sample_shape,
        "num_classes": dataset.num_classes,
        "class_names": dataset.class_names,
        "notes": dataset.notes,
        "splits": splits,
        "samples_per_second": summary.rate(dataset.splits["train"]),
    })  # fmt: skip


def _bindings(values: flags.FlagValues) -> list[str]:
    given = {"name": values.dataset, "data_dir": values.data_dir}
    return [f"data.load.{name} = {value!r}" for name, value in given.items() if value is not None]


def _facts(dataset) -> list[str]:
    from compare_gan_tf.data import naming

    shape = " x ".join(map(str, dataset.sample_shape))
    classes = f"{dataset.num_classes} classes" if dataset.num_classes else "no classes"
    name = naming.printable(dataset.name)
    return [f"{name}: samples of shape {shape}, {classes}", *map(_note, dataset.notes)]


def _note(text: str) -> str:
    return f"  {text}"


def _split_lines(name: str, found, class_names: tuple[str, ...] | None) -> list[str]:
    mean = " ".join(f"{value:.4f}" for value in found.mean[:8])
    values = f"values {found.low:g} to {found.high:g}, mean {mean}"
    of_some = "" if found.looked_at == found.number else f" (of {found.looked_at:,})"
    lines = [f"{name}: {found.number:,} samples, {values}{of_some}"]
    if found.unlabelled:
        lines.append(f"  {found.unlabelled:,} without a label")
    if found.classes is not None:
        lines += _histogram(found.classes, class_names)
    return lines


def _histogram(counts, class_names: tuple[str, ...] | None) -> list[str]:
    """A line with a bar for each class; for many classes, the smallest and the largest count."""
    names = [_short(name) for name in class_names or [""] * len(counts)]
    if len(counts) > _SHOWN_CLASSES:
        least, most = (
            f"{counts[label]:,}" + (f" ({label} {names[label]})" if names[label] else "")
            for label in (counts.argmin(), counts.argmax())
        )
        empty = int((counts == 0).sum())
        return [f"  {len(counts)} classes of {least} to {most} samples, {empty} of them empty"]
    largest = max(int(counts.max()), 1)
    width = max(map(len, names))
    return [
        f"  {label:>4} {names[label]:<{width}}{' ' if width else ''}{count:>9,}"
        f" {'#' * round(_BAR * count / largest)}"
        for label, count in enumerate(counts)
    ]


def _short(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 3]}..."
