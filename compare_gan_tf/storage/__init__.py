"""Files: written whole or not at all, by one writer, never through a link of somebody else."""
