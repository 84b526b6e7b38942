"""What the parts of `compare-gan study` share."""

import os
import sys

from absl import flags

from compare_gan_tf.errors import UserError, without_secrets

STORAGE = "COMPARE_GAN_STORAGE"  # in the environment: passwords in it are not seen by others
_IMPORTS = (
    "Your own Python modules that the configs of the runs may import, such as my_losses; importing"
    " a module runs its code. Repeatable, or comma-separated. Every command that makes the study or"
    " works on it needs the flag."
)
HELP_OF_WORK = {"allow_imports": _IMPORTS}
HELP = {
    "gin_config": "The study's file: a path, or the name of a packaged one, such as"
    " study/digits.gin. One file. Default: the study that is already in --study_dir.",
    "gin_bindings": "One binding that overrides the study's file, such as 'study.seeds = 5'."
    " Repeatable. What the runs bind is in study.bindings.",
    "allow_imports": _IMPORTS,
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags that tell which study is meant."""
    flags.DEFINE_string(
        "study_dir",
        None,
        "Folder of the study: its runs, logs and report, and its database without --storage. Must"
        " be given.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "storage",
        None,
        "Database of the study, for workers on several machines: postgresql://user@host/database."
        f" Default: the variable {STORAGE}, else the database that --study_dir was made with, else"
        " SQLite in --study_dir.",
        flag_values=flag_values,
    )


def define_study_flag(flag_values: flags.FlagValues) -> None:
    """Defines `--study`, of the verbs that make none."""
    flags.DEFINE_string(
        "study",
        None,
        "Which study of --storage is meant, by its name. Needed where --storage has several and"
        " --study_dir is new.",
        flag_values=flag_values,
    )


def define_figures_flag(flag_values: flags.FlagValues) -> None:
    """Defines `--figures`."""
    flags.DEFINE_bool(
        "figures",
        False,
        "Also write every figure as PDF and PNG, into the folder figures beside the page. It needs"
        " pip install 'compare_gan_tf[figures]' and a Chrome or Chromium.",
        flag_values=flag_values,
    )


def define_devices_flag(flag_values: flags.FlagValues, text: str) -> None:
    """Defines `--devices`."""
    text += " Default: each run sees every GPU of the machine."
    flags.DEFINE_string("devices", None, text, flag_values=flag_values)


def devices(values: flags.FlagValues) -> list[str]:
    """Names of the devices, [] for none in particular.

    Raises:
      UserError: the flag is no list of numbers.
    """
    if values.devices is None:
        return []
    found = [one.strip() for one in values.devices.split(",")]
    if not all(one.isdecimal() for one in found) or len(set(found)) < len(found):
        raise UserError(f"--devices={values.devices} is no list of GPUs, such as 0,1")
    return found


def create(values: flags.FlagValues):
    """Makes the study of `--gin_config`, or adds what it lacks."""
    study_dir = _study_dir(values)
    if len(values.gin_config) != 1:
        if not values.gin_config and not values.gin_bindings and _known(values):
            return load(values)
        raise UserError("name the study's file by one --gin_config, such as study/digits.gin")
    from compare_gan_tf.study import cells, check, connection, folder, reading, samplers, storage

    address = url(values)
    plan, texts = reading.read(values.gin_config[0], values.gin_bindings)
    all_cells = cells.cells(plan)
    for cell in all_cells:
        cells.slots(plan, cell)  # a grid has no ranges, nor too many settings
    samplers.sampler(plan.search)
    folder.check(study_dir, plan.name, address)
    with connection.explained(address):
        # What is there is opened before the configs are checked; what is not, is made after.
        opened = connection.connect(address) if connection.has_database(address) else None
        directions = check.check(plan, texts, all_cells, tuple(values.allow_imports))
        folder.note(study_dir, plan.name, address)
        return storage.create(
            opened or connection.connect(address),
            plan,
            texts,
            directions=directions,
            command=without_secrets(" ".join(sys.argv)),
        )


def load(values: flags.FlagValues):
    """The study that the flags name.

    Raises:
      UserError: there is none, or several.
    """
    study_dir = _study_dir(values)
    known = _known(values)
    if known is None and not _given(values):
        raise UserError(
            f"there is no study in {study_dir}: make it by compare-gan study create, or name its"
            " --storage"
        )
    from compare_gan_tf.study import connection, folder, storage

    address = url(values)
    if not connection.has_database(address):
        raise UserError(
            f"{without_secrets(address)} is not there: name the study's --storage, or make it by"
            " compare-gan study create"
        )
    with connection.explained(address):
        opened = connection.connect(address)
        asked = values.study if "study" in values else None
        name = asked or (known[0] if known else None)
        if name is None:
            names = storage.names(opened)
            if len(names) != 1:
                there = ", ".join(names) or "none"
                raise UserError(
                    f"{without_secrets(address)} has these studies: {there}. Name --study"
                )
            name = names[0]
        study = storage.load(opened, name)
    folder.note(study_dir, name, address)
    return study


def report(values: flags.FlagValues, study) -> None:
    """Prints the ranked table, and writes the page into the folder of the study."""
    from compare_gan_tf.bin import compare, quiet
    from compare_gan_tf.bin.study import status
    from compare_gan_tf.study import collect, dashboard, importance, progress

    quiet.import_tensorflow()
    found = collect.comparison(study, values.study_dir)
    if not found.runs:
        raise UserError("no run of the study has ended: see compare-gan study status")
    shares = importance.importances(found)
    grids = collect.grids(found)
    output = os.path.join(values.study_dir, "report")
    as_json = values.json
    compare.write(found, grids, output, importance=shares, figures=values.figures, as_json=as_json)
    dashboard.show(study, found)
    how_far = progress.progress(study)
    if not how_far.is_done and not as_json:
        status.show(how_far)


def _study_dir(values: flags.FlagValues) -> str:
    if not values.study_dir:
        raise UserError("--study_dir is missing: name the folder of the study")
    if "://" in values.study_dir:
        raise UserError(
            f"--study_dir={values.study_dir} must be a folder of this machine: its locks need one"
        )
    values.study_dir = os.path.expanduser(values.study_dir)
    return values.study_dir


def _known(values: flags.FlagValues) -> tuple[str, str | None] | None:
    from compare_gan_tf.study import folder

    return folder.read_note(values.study_dir)


def _given(values: flags.FlagValues) -> str | None:
    return values.storage or os.environ.get(STORAGE)


def url(values: flags.FlagValues) -> str:
    """The database of the study."""
    from compare_gan_tf.study import connection

    if given := _given(values):
        return connection.absolute(given)
    known = _known(values)
    return (known and known[1]) or connection.default_url(values.study_dir)
