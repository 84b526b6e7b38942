"""What the modules of this folder register with gin, read in their sources.

To import them all would take seconds, for some import TensorFlow: too long for a list of names.
"""

import ast
import pathlib
from collections.abc import Iterator


def registered(decorator: str) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """(module, definition) of what stands under a decorator, written as `gin.register`."""
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.parse(text).body if f"\n@{decorator}" in text else ():
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                above = [ast.get_source_segment(text, one) for one in node.decorator_list]
                if decorator in above:
                    yield f"{__package__}.{path.stem}", node


def constant(definition: ast.FunctionDef | ast.ClassDef, name: str):
    """The literal that a class assigns to an attribute in its own body, or None."""
    for node in definition.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Constant):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == name for one in targets):
                return node.value.value
    return None
