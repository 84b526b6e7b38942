"""`compare-gan train --data=`: writes the config of a run by what the images are like.

The recipe is `recipe.gin` in the run's folder. It is written once, before the first step, and
the same command then goes on with it, also where it was edited.
"""

import dataclasses
import os
import shlex
import tempfile
from collections.abc import Callable

from absl import flags

from compare_gan_tf.bin import build
from compare_gan_tf.errors import UserError, as_user_error

FILE = "recipe.gin"
PRESETS = ("fast", "quality")  # as `recipes.PRESETS`, which cannot be imported: it needs TensorFlow
_STEPS = 10  # that are timed


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of a recipe."""
    flags.DEFINE_string(
        "data",
        None,
        "Your own images: a folder, a .zip or an .npz (also as folder:PATH, zip:PATH, npz:PATH,"
        " tfrecord:PATH), or a public data set such as fashion_mnist. Chooses a config by their"
        f" size, number and labels, says why, and writes it to {FILE} in --model_dir.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "preset",
        "fast",
        list(PRESETS),
        "With --data: fast trains for minutes on a CPU, to see whether it works; quality takes"
        " hours.",
        flag_values=flag_values,
    )
    flags.DEFINE_bool(
        "labels",
        None,
        "With --data: whether G learns the classes, which are the sub-folders or a label file."
        " Default: if there are enough images of each.",
        flag_values=flag_values,
    )
    build.forbid(
        flag_values, ("preset", "labels"), lambda: flag_values.data is None, "is for --data"
    )
    build.forbid(
        flag_values,
        ("gin_config",),
        lambda: flag_values.data is not None,
        f"is not for --data, which writes a config of its own: edit {FILE} in the run's folder, or"
        " give single settings by --gin_bindings",
    )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The config of a run on one's own images.

    Attributes:
      path: of the file.
      name: of the data set.
      command: by which it is written.
      survey: of its images; None if the file is there already.
      parts: the decisions, see `recipes.choose`; None likewise.
    """

    path: str
    name: str
    command: str
    survey: object | None = None
    parts: list | None = None

    @property
    def files(self) -> list[str]:
        """The gin files to read."""
        return [self.path] if self.parts is None else []

    @property
    def statements(self) -> list[str]:
        """The gin statements that are in no file yet."""
        return [] if self.parts is None else [self._text(self.parts, "")]

    def _text(self, parts, facts: str) -> str:
        from compare_gan_tf import recipes

        return recipes.as_gin(parts, name=self.name, command=self.command, facts=facts)

    def begin(self, dataset, prepare: Callable) -> None:
        """Prints the decisions, times some steps and writes the file.

        If the file is there, it is kept, and its data are compared with these.

        Args:
          dataset: the loaded data set.
          prepare: a function (folder) -> `Training` of a new GAN.
        """
        from compare_gan_tf import recipes

        facts = _facts(self.name, dataset)
        if self.parts is None:
            self._compare(facts)
            return
        width = max(len(part.title) for part in self.parts)
        print(_described(self.survey))
        for part in self.parts:
            print(f"  {part.title:<{width}}  {part.reason}", flush=True)
        words = _forecast(prepare)
        print(f"  {'time':<{width}}  {words}")
        self._write(self._text(recipes.with_time(self.parts, words), facts))
        print(
            f"{self.path} is the recipe: every setting, with its reason. Try another in a new"
            " --model_dir, as by --gin_bindings='data.load.crop = @padded'",
            flush=True,
        )

    def _compare(self, facts: str) -> None:
        """Prints a line if the data are others than the recipe was written for.

        Where weights were trained already, the training itself refuses other data.
        """
        from compare_gan_tf import recipes
        from compare_gan_tf.runs import checkpoints
        from compare_gan_tf.storage import files

        before = recipes.read_fields(files.read_text(self.path) or "").get("Data", facts)
        if before != facts and not checkpoints.list_steps(os.path.dirname(self.path)):
            print(
                f"{self.path} is kept, and was written for other data: then {before}; now {facts}."
                " Remove it for a new recipe",
                flush=True,
            )

    def _write(self, text: str) -> None:
        import tensorflow as tf

        from compare_gan_tf.storage import files

        with as_user_error(f"cannot write {self.path}", OSError, tf.errors.OpError):
            tf.io.gfile.makedirs(os.path.dirname(self.path))
            files.write_text(self.path, text)


def find(values: flags.FlagValues) -> Recipe | None:
    """The recipe of `--data`, which is chosen if the run has none yet; None without the flag.

    Raises:
      UserError: the data cannot be used, or the folder has a run or a recipe of another command.
    """
    if values.data is None:
        return None
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf.data import surveys
    from compare_gan_tf.storage import files

    name, path = surveys.full_name(values.data), os.path.join(values.model_dir, FILE)
    _require_apart(name, values.model_dir)
    recipe = Recipe(path, name, _command(values, name))
    text = files.read_text(path)
    if text is not None:
        _require_same_command(recipe, text)
        return recipe
    if files.exists(os.path.join(values.model_dir, files.CONFIG)):
        raise UserError(
            f"{values.model_dir} has a run that was not begun by --data: name another --model_dir,"
            " or leave --data out to go on with it"
        )
    survey, parts = _chosen(values, name)
    return dataclasses.replace(recipe, survey=survey, parts=parts)


def _require_apart(name: str, model_dir: str) -> None:
    """Refuses a run among the images, whose grids of samples would become images themselves."""
    kind, _, data = name.partition(":")
    own, images = os.path.realpath(model_dir), os.path.realpath(data)
    if kind == "folder" and (own == images or own.startswith(images + os.sep)):
        raise UserError(
            f"--model_dir={model_dir} lies in the folder of the images, where the pictures of the"
            " run would become images, too: name one outside of it"
        )


def _command(values: flags.FlagValues, name: str) -> str:
    """The command that writes such a recipe, in one form however it is typed."""
    words = [f"--data={name}", f"--preset={values.preset}"]
    if values.labels is not None:
        words.append("--labels" if values.labels else "--nolabels")
    return f"compare-gan train {shlex.join(words)}"


def _require_same_command(recipe: Recipe, text: str) -> None:
    from compare_gan_tf import recipes

    before = recipes.read_fields(text).get("Written by", recipe.command)
    if before != recipe.command:
        raise UserError(
            f"{recipe.path} was written by {before}, not by {recipe.command}: repeat those flags to"
            " go on with it, or name another --model_dir"
        )


# --- The choice ----------------------------------------------------------------------------------


def _chosen(values: flags.FlagValues, name: str) -> tuple:
    """(survey, parts) of a new recipe, by what --gin_bindings bind on the data."""
    from compare_gan_tf import config, recipes
    from compare_gan_tf.config import configurables

    configurables.load()
    ignored = recipes.unlabelled(name) if values.labels is False else ()
    config.parse([], [*ignored, *values.gin_bindings])
    found = {
        setting: config.bound("data.load", setting)
        for setting in ("image_size", "channels", "max_pixels")
    }
    survey = surveyed(name, found.pop("max_pixels"))
    device = _device(values.strategy)
    choice = {"preset": values.preset, "device": device, "labels": values.labels}
    parts = recipes.choose(survey, **choice, **found)
    if values.gin_bindings:
        what = "; ".join(values.gin_bindings)
        own = recipes.Part("bound", f"{what}: by --gin_bindings, before all above",
                           tuple(values.gin_bindings))  # fmt: skip
        parts.append(own)
    return survey, parts


def surveyed(name: str, max_pixels: int | None = None):
    """A `Survey` of the data set; `max_pixels` is that of `data.load`, if it is bound."""
    from compare_gan_tf.data import surveys
    from compare_gan_tf.data.own_images import Settings

    settings = Settings() if max_pixels is None else Settings(max_pixels=max_pixels)
    return surveys.survey(name, settings)


def _device(strategy: str) -> str:
    """What will train; "GPU" also stands for a TPU."""
    import tensorflow as tf

    return "GPU" if strategy == "tpu" or tf.config.list_physical_devices("GPU") else "CPU"


def _facts(name: str, dataset) -> str:
    from compare_gan_tf import recipes

    number = sum(map(len, dataset.splits.values()))
    return recipes.data_line(name, number, dataset.sample_shape[-1], dataset.num_classes)


# --- What is printed -----------------------------------------------------------------------------


def _described(survey) -> str:
    from compare_gan_tf import recipes

    classes = None if survey.class_counts is None else len(survey.class_counts)
    line = recipes.data_line(survey.name, survey.number, survey.channels, classes)
    low, high = survey.sizes.min(axis=0), survey.sizes.max(axis=0)
    sizes = f"{low[1]} x {low[0]} px"
    if (low != high).any():
        sizes = f"widths {low[1]} to {high[1]} px, heights {low[0]} to {high[0]} px"
    return "; ".join([line, sizes, *survey.notes])


def _forecast(prepare: Callable) -> str:
    """How long the training will take, by some of its steps with another GAN."""
    from compare_gan_tf.bin import benchmark
    from compare_gan_tf.training.benchmark import measure

    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(folder)
    measured = measure(prepared, steps=_STEPS, repeats=1)
    step, number = measured.steps[0].wall, prepared.training_steps
    return (
        f"about {benchmark.span(step * number)} on this machine, by {measured.steps_per_repeat}"
        f" steps of {benchmark.span(step)}"
    )
