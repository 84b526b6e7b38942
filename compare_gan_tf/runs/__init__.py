"""The files in a run's folder: checkpoints, logs, scores, and the manifest of all starts."""
