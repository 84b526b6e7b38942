"""What pages quote is there: names of the migration tables, and messages of troubleshooting."""

import ast
import functools
import importlib
import inspect
import pathlib
import re

import doc_pages
import gin
import pytest

from compare_gan_tf.bin import command
from compare_gan_tf.bin.main import VERBS
from compare_gan_tf.config import configurables, gin_files
from compare_gan_tf.metrics import registry

MIGRATION = [page for page in doc_pages.pages() if page.startswith("docs/migration/")]
_NAME = re.compile(r"([\w.]+)\.(\w+)(?: = (.+))?")


@functools.cache
def flags() -> set[str]:
    """The flags of all verbs."""
    found = set()
    for verb in VERBS:
        module = importlib.import_module(f"compare_gan_tf.bin.{verb}")
        common = getattr(module, "COMMON_FLAGS", command.COMMON_FLAGS)
        found |= set(command.own_flags(module.define_flags, common))
    return found


def is_true(code: str) -> bool:
    """Whether a flag, a config, a part or a binding of a migration table is there."""
    if code.startswith("compare-gan "):
        return code.split()[1] in VERBS
    if code.startswith("--"):
        return is_flag(*code.removeprefix("--").split("="))
    if code.endswith(".gin"):
        return code in gin_files.packaged_configs()
    if code.startswith("@"):
        return is_part(code)
    if code.endswith("/"):
        return any(name.startswith(code) for name in gin_files.packaged_configs())
    match = _NAME.fullmatch(code)
    return bool(match) and is_binding(match[1], match[2], match[3])


def is_flag(name: str, value: str | None = None) -> bool:
    if name == "metrics":
        return set(value.split(",")) <= set(registry.names())
    return name in flags()


def is_part(reference: str) -> bool:
    name = reference.removeprefix("@").removesuffix("()").rpartition("/")[2]
    try:
        return bool(gin.get_configurable(name))
    except (KeyError, ValueError):
        return False


def is_binding(name: str, parameter: str, value: str | None) -> bool:
    """Whether the part has the parameter, and what the value names is there."""
    if not is_part(name):
        return False
    part = inspect.unwrap(gin.get_configurable(name))
    made_by = inspect.unwrap(part.__init__) if inspect.isclass(part) else part
    references = re.findall(r"@[\w./]+", value or "")
    return parameter in inspect.signature(made_by).parameters and all(map(is_part, references))


@pytest.mark.parametrize("page", MIGRATION)
def test_every_name_of_a_migration_table_is_there(page):
    configurables.load()
    names = doc_pages.cells(page, 1)
    assert len(names) > 25
    assert [name for name in names if not is_true(name)] == []


def test_names_that_are_not_there_are_found_out():
    configurables.load()
    wrong = ["--gin_confg", "adam.beta1", "@hinged", "quick.gin", "GAN.generator = @mlp.generatr"]
    wrong += ["--metrics=fid,fod", "compare-gan trian", "nothing/", "d_steps"]
    assert [name for name in wrong if is_true(name)] == []


# --- Troubleshooting --------------------------------------------------------------------------


@functools.cache
def messages() -> list[str]:
    """All texts of the package, with "..." for what a format puts into them."""
    found = []
    for path in sorted((doc_pages.ROOT / "compare_gan_tf").rglob("*.py")):
        for node in ast.walk(ast.parse(pathlib.Path(path).read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", None) for part in node.values)
                found.append("...".join(p if isinstance(p, str) else "" for p in parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return [re.sub(r"(\.\.\.)+", "\\0", text) for text in found]


def is_said(message: str) -> bool:
    """Whether one text of the package has all words of the message, in its order."""
    pieces = [piece.strip() for piece in message.split("...")]
    pattern = ".*".join(re.escape(piece) for piece in pieces if piece)
    return any(re.search(pattern, text, re.DOTALL) for text in messages())


def test_every_message_of_troubleshooting_is_in_the_code():
    page = "docs/troubleshooting.md"
    lines = [line for line in doc_pages.text(page).splitlines() if line.startswith("| `")]
    quoted = [re.match(r"\| `(.+?)` \|", line)[1] for line in lines]
    quoted = [one for one in quoted if " " in one]
    assert len(quoted) > 20
    assert [one for one in quoted if not is_said(one)] == []
    assert not is_said("step ...: ... is unlucky; the last good checkpoint is ...")
