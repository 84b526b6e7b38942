"""Publish an export, so that others can load it by its address.

--to is one of:

  hf://user/name                  a model of the Hugging Face Hub (extra hf)
  kaggle://user/model/variation   a model of Kaggle (extra kaggle)
  gs://bucket/path                a folder of a file system that TensorFlow knows
  path                            a folder of this machine

The same command resumes an interrupted push, and does nothing if all is there.

For example:

  compare-gan push --model_dir=runs/quickstart --to=hf://user/digits
  compare-gan push --export=runs/quickstart/hub/2000 --to=gs://bucket/digits
  compare-gan sample --model=hf://user/digits --output=samples.png
"""

import os

from absl import flags

from compare_gan_tf.errors import UserError

COMMON_FLAGS = ("model_dir",)
NEEDS_MODEL_DIR = False
HELP = {"model_dir": "Folder of a run that has one export; for one of several, give --export."}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that only this verb has."""
    for name, text in (
        ("export", "Folder of an export, such as runs/mine/hub/2000, instead of a run."),
        ("to", "Where to publish it, see above."),
    ):
        flags.DEFINE_string(name, None, text, flag_values=flag_values)
    flags.DEFINE_bool(
        "overwrite",
        False,
        "Replace another export in the folder of --to. Files of no export are never replaced.",
        flag_values=flag_values,
    )
    flags.register_multi_flags_validator(
        ("model_dir", "export"),
        lambda given: sum(map(bool, given.values())) == 1,
        "name a run by --model_dir, or an export by --export",
        flag_values=flag_values,
    )
    flags.register_validator(
        "to",
        bool,
        "--to is missing: write hf://user/name, kaggle://user/model/variation or a folder",
        flag_values=flag_values,
    )


def run(values: flags.FlagValues) -> None:
    """Publishes the export; prints where it is, and how to load it."""
    from compare_gan_tf.bin import quiet

    quiet.import_tensorflow()
    from compare_gan_tf import publishing

    folder = os.path.expanduser(values.export or _only_export(values.model_dir)).rstrip("/")
    done = publishing.push(folder, values.to, overwrite=values.overwrite)
    print(f"{folder} is at {done.page}")
    if done.note:
        print(done.note)
    print("To load it:\n")
    print("from compare_gan_tf import pretrained")
    print(f"model = pretrained.load({done.address!r})")
    print("samples = model.sample(16)")


def _only_export(model_dir: str) -> str:
    """The folder of the only export of a run."""
    import tensorflow as tf

    hub = os.path.join(model_dir, "hub")
    names = tf.io.gfile.listdir(hub) if tf.io.gfile.isdir(hub) else ()
    steps = sorted((name.rstrip("/") for name in names if name.rstrip("/").isdecimal()), key=int)
    if not steps:
        raise UserError(
            f"{model_dir} has no export: run compare-gan export --model_dir={model_dir}, or call"
            " export_run where the run was made in Python"
        )
    if len(steps) > 1:
        raise UserError(
            f"{hub} has exports of the steps {', '.join(steps)}: name one, such as"
            f" --export={os.path.join(hub, steps[-1])}"
        )
    return os.path.join(hub, steps[0])
