"""What Optuna's dashboard shows of a study, beside its own diagrams.

optuna-dashboard sqlite:///studies/digits/study.db --artifact-dir studies/digits/artifacts
"""

import os

from optuna.artifacts import FileSystemArtifactStore, upload_artifact

from compare_gan_tf.comparison.records import Comparison
from compare_gan_tf.study.storage import Study

ARTIFACTS = "artifacts"  # in the folder of a study
_SHOWN = ("leaderboard", "learning", "pairwise")  # kinds of figures


def keep_samples(trial, study_dir: str, path: str) -> None:
    """Attaches the grid of a run's samples to its trial; nothing where there is none."""
    if os.path.isfile(path):
        folder = os.path.join(study_dir, ARTIFACTS)
        os.makedirs(folder, exist_ok=True)
        store = FileSystemArtifactStore(base_path=folder)
        upload_artifact(artifact_store=store, file_path=path, study_or_trial=trial)


def show(study: Study, comparison: Comparison) -> None:
    """Puts our figures beside the dashboard's, on the first Optuna study, if it is installed."""
    try:
        from optuna_dashboard import save_plotly_graph_object
    except ImportError:
        return
    from compare_gan_tf import report

    for shown in report.figures(comparison):
        if shown.kind in _SHOWN:
            name = shown.name.replace("/", "_")
            save_plotly_graph_object(study.studies[0], shown.figure, graph_object_id=name)
