"""The configs that ship with the package: `--gin_config=quickstart.gin` finds them anywhere."""
