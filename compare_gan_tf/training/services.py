"""Weights & Biases and MLflow, which a training may report to.

They need the extras `wandb` and `mlflow`. In a config:

    train.callbacks = [@WandB(), @MLflow()]
    WandB.project = "gans"
    MLflow.tracking_uri = "sqlite:///mlflow.db"
"""

import json
import os
import re
import time
import uuid
from collections.abc import Sequence
from typing import Any

import gin
from absl import logging

from compare_gan_tf.errors import UserError, first_line, without_secrets
from compare_gan_tf.settings.signatures import Count, checked
from compare_gan_tf.storage import files
from compare_gan_tf.training.trackers import Tracker, path_of

_LONGEST = 500  # characters of a parameter of MLflow
_MOST_PARAMETERS = 100  # in one request to MLflow


@gin.register(module="training")
class WandB(Tracker):
    """Weights & Biases, by the variables and the login of the `wandb` package.

    Args:
      project: its name; None for that of WANDB_PROJECT, or else of wandb.
      entity: user or team; None for the default of the login.
      mode: "online", "offline" or "disabled"; None for that of WANDB_MODE, or else online.
      every: steps between losses.
      sample_every: steps between grids of samples.
    """

    name = "wandb"

    @checked(name="WandB")
    def __init__(
        self,
        project: str | None = None,
        entity: str | None = None,
        mode: str | None = None,
        every: Count = 100,
        sample_every: Count = 1_000,
    ):
        settings = {"project": project, "entity": entity, "mode": mode}
        super().__init__(every=every, sample_every=sample_every, settings=settings)

    def begin(self, model_dir, known, parameters):
        found = known or uuid.uuid4().hex[:12]
        self._run = self.module.init(
            **self.settings,
            id=found,
            name=os.path.basename(os.path.normpath(model_dir)),
            resume="allow",
            config=parameters or None,
            dir=None if files.is_remote(model_dir) else model_dir,  # it makes links, not for logs/
            settings=self.module.Settings(silent=True, console="off"),
        )
        self._run.define_metric("*", step_metric="step")  # scores come after later steps
        return found

    def log(self, step, values):
        self._run.log({"step": step, **values})

    def log_image(self, step, image):
        self._run.log({"step": step, "samples": self.module.Image(image)})

    def end(self, is_done):
        self._run.finish(exit_code=0 if is_done else 1)


@gin.register(module="training")
class MLflow(Tracker):
    """MLflow.

    Args:
      experiment: its name.
      tracking_uri: of a server or a database, such as "sqlite:///mlflow.db"; None for that of
        MLFLOW_TRACKING_URI, or else of mlflow.
      every: steps between losses.
      sample_every: steps between grids of samples.

    Raises:
      UserError: the URI has a password, which the config of the run would keep.
    """

    name = "mlflow"

    @checked(name="MLflow")
    def __init__(
        self,
        experiment: str = "compare_gan_tf",
        tracking_uri: str | None = None,
        every: Count = 100,
        sample_every: Count = 1_000,
    ):
        if tracking_uri is not None and without_secrets(tracking_uri) != tracking_uri:
            raise UserError(
                f"MLflow.tracking_uri is {without_secrets(tracking_uri)!r}, whose password would be"
                " kept in the run: give it by MLFLOW_TRACKING_URI or MLFLOW_TRACKING_PASSWORD"
            )
        settings = {"experiment": experiment, "tracking_uri": tracking_uri}
        super().__init__(every=every, sample_every=sample_every, settings=settings)

    def begin(self, model_dir, known, parameters):
        client = self.module.MlflowClient(self.settings["tracking_uri"])
        self._client, name = client, self.settings["experiment"]
        there = client.get_experiment_by_name(name)
        if known:
            client.update_run(known, status="RUNNING")
        else:
            experiment = there.experiment_id if there else client.create_experiment(name)
            run_name = os.path.basename(os.path.normpath(model_dir))
            known = client.create_run(experiment, run_name=run_name).info.run_id
        self._id = known
        self._log_parameters(parameters)
        return known

    def _log_parameters(self, parameters: dict[str, Any]) -> None:
        """Sends parameters; those that a resumed run has changed become tags: MLflow keeps them."""
        before = self._client.get_run(self._id).data.params
        texts = {_allowed(name): str(value)[:_LONGEST] for name, value in parameters.items()}
        new = [
            self.module.entities.Param(name, text)
            for name, text in texts.items()
            if name not in before
        ]
        for start in range(0, len(new), _MOST_PARAMETERS):
            self._client.log_batch(self._id, params=new[start : start + _MOST_PARAMETERS])
        for name, text in texts.items():
            if before.get(name, text) != text:
                self._client.set_tag(self._id, f"resumed.{name}", text)

    def log(self, step, values):
        now = int(time.time() * 1000)
        metric = self.module.entities.Metric
        found = [metric(_allowed(name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._id, metrics=found)

    def log_image(self, step, image):
        self._client.log_image(self._id, image, f"samples/{step:09}.png")

    def end(self, is_done):
        self._client.set_terminated(self._id, "FINISHED" if is_done else "FAILED")


def log_scores(model_dir: str, rows: Sequence[dict]) -> None:
    """Sends the scores of a run to the services that have tracked its training.

    A failure is a warning.

    Args:
      model_dir: the run's folder.
      rows: of its scores.
    """
    for kind in (WandB, MLflow):
        try:
            text = files.read_text(path_of(model_dir, kind.name))
            tracker = text and kind(**json.loads(text)["settings"])
        except (UserError, ValueError, LookupError, TypeError) as error:
            logging.warning("the scores are not sent to %s: %s", kind.name, first_line(error))
            continue
        if tracker:
            tracker.start(model_dir, {})
            tracker.log_scores(rows)
            tracker.close()


def _allowed(name: str) -> str:
    """A name of MLflow: letters, digits, and few signs."""
    return re.sub(r"[^\w./ -]", "_", name)
