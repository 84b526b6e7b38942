"""Studies: many trainings under one plan, worked off by any number of workers."""
