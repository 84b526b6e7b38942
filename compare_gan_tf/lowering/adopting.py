"""Makes an ordinary run of what a machine with JAX has trained."""

import functools

from compare_gan_tf import data
from compare_gan_tf.errors import UserError
from compare_gan_tf.lowering import folder, states, steps
from compare_gan_tf.training import Training, adoption


def adopt(training: Training, lowered: str, *, config_text: str) -> None:
    """Saves the states that run.py has trained as the checkpoints of a run.

    Training continues from the last of them. Without the variables of the optimisers, or with
    others than those of the config, nothing is written.

    Args:
      training: prepared, with the config of the folder.
      lowered: the folder, see `folder`.
      config_text: contents of the run's config.gin.

    Raises:
      UserError: the folder was written by another version, its states or data do not fit the GAN,
        nothing was trained, or the run has other checkpoints.
    """
    spec, runs = read_trained(lowered)
    variables = steps.variables(training.gan)
    _check_variables(variables, spec["state"], lowered)
    if changes := data.changes(spec["data"], data.identity(training.dataset)):
        raise UserError(
            f"the data set is not the one that was lowered: {'; '.join(changes)}. Bring that back"
        )

    def assign(step: int) -> None:
        states.assign(variables, states.read(lowered, step, spec))

    adoption.adopt(
        training,
        {step: functools.partial(assign, step) for step in runs},
        first_step=spec["first_step"],
        rows=folder.read_log(lowered, spec["first_step"], max(runs)),
        config_text=config_text,
        lowered={"id": spec["id"], "tensorflow": spec.get("tensorflow")} | runs[max(runs)],
    )


def read_trained(lowered: str) -> tuple[dict, dict[int, dict]]:
    """Reads and checks all that was trained: (lowered.json, {step: how it was trained}).

    Raises:
      UserError: the folder was written by another version, a state is damaged or does not fit, or
        nothing was trained.
    """
    spec = folder.read_spec(lowered)
    trained = [step for step in states.list_steps(lowered) if step > spec["first_step"]]
    if not trained:
        raise UserError(f"{lowered} has no state after step {spec['first_step']}: run its run.py")
    return spec, {step: states.read(lowered, step, spec).run for step in trained}


def _check_variables(variables: dict, described: dict, lowered: str) -> None:
    """Checks that the variables of the GAN are those that were lowered."""
    own = states.describe(variables)
    for name in sorted(own.keys() | described.keys()):
        here, there = (one.get(name, {}) for one in (own, described))
        if any(here.get(key) != there.get(key) for key in ("shape", "dtype")):
            raise UserError(
                f"variable {name} is {_form(here)} in this GAN, and {_form(there)} in {lowered}: "
                "adopt with the package, the versions and the data set that it was lowered with"
            )


def _form(described: dict) -> str:
    return f"{described['dtype']} {described['shape']}" if described else "missing"
