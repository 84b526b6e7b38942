"""Which part may import which: data flows one way, and the stages meet only in files."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = {"compare_gan_tf": ROOT / "compare_gan_tf", "compare_gan_tf.export": ROOT / "export"}

# The rooms, and what each may import of ours beside `errors` and `settings`.
MAY_IMPORT = {
    "errors": set(),
    "random": set(),
    "settings": set(),
    "storage": set(),
    "analysis": set(),
    "config": {"storage"},
    "runs": {"config", "optimizers", "storage"},
    "data": {"random"},
    "layers": set(),
    "latents": {"random"},
    "optimizers": {"layers"},
    "augment": {"config", "latents", "layers"},
    "objectives": {"config", "layers", "optimizers"},
    "architectures": {"layers", "random"},
    "metrics": {"config", "data", "runs", "storage"},
    "gan": {
        "architectures",
        "augment",
        "config",
        "data",
        "latents",
        "layers",
        "objectives",
        "optimizers",
        "random",
        "runs",
    },
    "training": {"config", "data", "gan", "optimizers", "random", "runs", "storage"},
    "lowering": {"data", "gan", "layers", "random", "runs", "storage", "training"},
    "evaluation": {
        "config",
        "data",
        "latents",
        "layers",
        "metrics",
        "random",
        "runs",
        "storage",
    },
    "export": {
        "architectures",
        "data",
        "gan",
        "latents",
        "layers",
        "report",
        "runs",
        "storage",
    },
    "publishing": {"export", "storage"},
    "pretrained": {"config", "data", "export", "gan", "latents", "publishing", "storage"},
    "study": {"comparison", "config", "metrics", "report", "storage"},
    "comparison": {"analysis", "config", "metrics", "runs", "storage"},
    "recipes": {"data"},
    "report": {"analysis", "comparison", "data", "metrics", "runs", "storage"},
    "sampling": {"config", "data", "evaluation", "report", "storage"},
    "toy": {"objectives", "runs", "storage"},
    "testing": {
        "architectures",
        "evaluation",
        "gan",
        "latents",
        "layers",
        "metrics",
        "objectives",
        "optimizers",
        "runs",
    },
}
AT_MOST_LOOSE = 3  # modules beside the rooms

# What gin has for those who register; everything else of it reads or sets bindings.
ASK_GIN = {"bin", "config"}
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
    tree = ast.parse(path.read_text())
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []  # of editors, and never run
    for node in ast.walk(tree):
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
    assert {"gan.update", "data.images", "export", "bin.train", "objectives"} <= MODULES.keys()
    assert own_imports(MODULES["bin.export"]) >= {"bin", "export"}


def test_every_room_has_a_row_and_few_modules_lie_outside():
    rooms = {module.split(".")[0] for module in MODULES if module} - {"bin"}
    assert rooms == MAY_IMPORT.keys()
    loose = [path for path in FOLDERS["compare_gan_tf"].glob("*.py") if path.stem != "__init__"]
    assert len(loose) <= AT_MOST_LOOSE


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_is_below_it(room):
    for module, path in MODULES.items():
        if module.split(".")[0] == room:
            above = own_imports(path) - MAY_IMPORT[room] - {room, "errors", "settings"}
            assert not above, f"{module} imports {above}"


def test_no_room_imports_the_checks_of_others_parts():
    users = [module for module, path in MODULES.items() if "testing" in own_imports(path)]
    assert all(module.split(".")[0] == "testing" for module in users)


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
    from compare_gan_tf.config import configurables

    registering = {
        f"compare_gan_tf.{module}"
        for module, path in MODULES.items()
        if "gin" in set(imported(path)) and module.split(".")[0] not in ASK_GIN
    }
    assert registering <= set(configurables.modules())
