"""Which part may import which: data flows one way, and the stages meet only in files."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = {"compare_gan_tf": ROOT / "compare_gan_tf", "compare_gan_tf.export": ROOT / "export"}

# Parts that may import these of ours and no others; `errors` and `kinds` may be imported by all.
MAY_IMPORT = {
    "errors": set(),
    "kinds": set(),
    "random": set(),
    "files": set(),
    "data": {"random"},
    "latents": {"random"},
    "layers": set(),
    "optimizers": set(),
    "augment": {"latents"},
    "objectives": {"layers"},
    "architectures": {"layers"},
    "metrics": {"data", "files", "gin_imports", "replicated"},
    "replicated": set(),
    "config": {"gin_errors", "gin_files", "gin_imports", "gin_statements", "gin_types"},
    "gin_imports": set(),
    "locks": {"files"},
    "checkpoints": {"files"},
}

# Each stage, and the stages that it must not call.
STAGES = {
    "training": {"evaluation", "export", "report", "sampling"},
    "evaluation": {"training", "export", "report", "sampling"},
    "export": {"training", "evaluation", "report", "sampling"},
    "report": {"training", "evaluation", "export", "sampling"},
    "sampling": {"training", "export"},  # it reads modules and draws grids as they do
}

# What gin has for those who register; everything else of it reads or sets bindings.
ASK_GIN = {"bin", "config", "gin_errors", "gin_files", "gin_parameters", "gin_types"}
REGISTERING = {"configurable", "register", "external_configurable", "REQUIRED"}


def sources():
    """(module name without the package, its path) of every file."""
    for package, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            module = ".".join(parts).removesuffix(".__init__").removeprefix("compare_gan_tf")
            yield module.lstrip("."), path


def imported(path):
    """Names of all modules that a file imports anywhere, and of what it takes from them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path):
    """Parts of ours that a file imports, such as "data" for compare_gan_tf.data.images."""
    prefix = "compare_gan_tf."
    return {name.split(".")[1] for name in imported(path) if name.startswith(prefix)}


MODULES = dict(sources())


def test_the_modules_are_found():
    assert {"gan", "data.images", "export", "bin.train", "objectives"} <= MODULES.keys()
    assert own_imports(MODULES["bin.export"]) >= {"bin", "export"}


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_lower_part_imports_only_what_is_below_it(part):
    for module, path in MODULES.items():
        if module.split(".")[0] == part:
            above = own_imports(path) - MAY_IMPORT[part] - {part, "errors", "kinds"}
            assert not above, f"{module} imports {above}"


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_calls_another(stage):
    for module, path in MODULES.items():
        if module.split(".")[0] == stage:
            assert not own_imports(path) & STAGES[stage], module


def test_only_bin_imports_bin_and_flags_and_asks_gin():
    for module, path in MODULES.items():
        if module.split(".")[0] in ASK_GIN:
            continue
        names = set(imported(path))
        assert "bin" not in own_imports(path), module
        assert not names & {"absl.flags", "absl.app"}, module
        asked = {
            node.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "gin"
        }
        assert asked <= REGISTERING, f"{module} uses gin.{asked - REGISTERING}"


def test_every_module_that_registers_names_with_gin_is_loaded_before_a_config():
    from compare_gan_tf import configurables

    registering = {
        f"compare_gan_tf.{module}"
        for module, path in MODULES.items()
        if "gin" in set(imported(path))
    }
    asking = {f"compare_gan_tf.{name}" for name in MODULES if name.split(".")[0] in ASK_GIN}
    assert registering - asking == set(configurables.MODULES)
