"""What is in a run's folder: checkpoints, logs, scores, and the manifest of its starts."""
