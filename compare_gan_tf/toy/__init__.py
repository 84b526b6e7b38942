"""Experiments in the plane: how each divergence moves a model, step by step."""
