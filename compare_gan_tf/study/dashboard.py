"""What Optuna's dashboard shows of a study, beside its own diagrams.

optuna-dashboard sqlite:///studies/digits/study.db --artifact-dir studies/digits/artifacts

Tried with optuna-dashboard 0.21.0.
"""

import os
import shutil
import tempfile

import optuna
from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from compare_gan_tf.comparison.records import Comparison
from compare_gan_tf.study.storage import Study

ARTIFACTS = "artifacts"  # in the folder of a study
_SHOWN = ("leaderboard", "learning", "pairwise")  # kinds of figures
_HEIGHT = 450  # pixels that the dashboard gives a figure; it cuts off the rest


def keep_samples(trial, study_dir: str, path: str) -> None:
    """Attaches the grid of a run's samples to its trial, as "seed0.png" where the run's folder is
    seed0; nothing where there is none.
    """
    if os.path.isfile(path):
        folder = os.path.join(study_dir, ARTIFACTS)
        os.makedirs(folder, exist_ok=True)
        store = FileSystemArtifactStore(base_path=folder)
        with tempfile.TemporaryDirectory() as place:
            named = os.path.join(place, f"{os.path.basename(os.path.dirname(path))}.png")
            shutil.copyfile(path, named)
            upload_artifact(artifact_store=store, file_path=named, study_or_trial=trial)


def show(study: Study, comparison: Comparison) -> None:
    """Puts our figures into the dashboard, if it is installed: on the Optuna study of the study's
    own name, which has no trials.
    """
    try:
        from optuna_dashboard import save_plotly_graph_object
    except ImportError:
        return
    from compare_gan_tf import report

    head = optuna.load_study(study_name=study.plan.name, storage=study.storage)
    for shown in report.figures(comparison):
        if shown.kind in _SHOWN:
            figure = shown.figure.update_layout(height=_HEIGHT)
            save_plotly_graph_object(head, figure, graph_object_id=shown.name)
