"""The playground of divergences: what each does to a model in the plane, step by step."""
