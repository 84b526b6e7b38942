"""Finds what the modules of this folder register with gin, from their source.

Importing all modules would take seconds, because some import TensorFlow: too long for a list of
names.
"""

import ast
import pathlib
import re
from collections.abc import Iterator


def registered(decorator: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Yields (module, definition) of all functions and classes with a decorator, such as
    `gin.register(module="metrics")`, also where it has a `denylist`.
    """
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        begins = f"\n@{decorator.removesuffix(')')}"
        for node in ast.parse(text).body if begins in text else ():
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                above = [ast.get_source_segment(text, one) for one in node.decorator_list]
                if decorator in [re.sub(r", denylist=\[.*\]", "", one or "") for one in above]:
                    yield f"{__package__}.{path.stem}", node


def constant(definition: ast.FunctionDef | ast.ClassDef, name: str):
    """The literal that a class assigns to an attribute in its own body, or None."""
    for node in definition.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                return node.value.value
    return None
