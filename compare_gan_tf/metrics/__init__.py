"""Scores of generated samples: feature extractors, statistics, and the protocol that names both."""
