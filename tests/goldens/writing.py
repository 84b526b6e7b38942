"""How a golden is written: JSON, one entry a line unless it fits into one, floats as they say."""

import json
import pathlib

WIDTH = 100


def text(value) -> str:
    """The whole file."""
    return _shown(value, 0, split=True) + "\n"


def write(maker: str, value: dict) -> None:
    """Writes NAME.json of make_NAME.py, whose `__file__` is given."""
    path = pathlib.Path(maker)
    path.with_name(path.stem.removeprefix("make_") + ".json").write_text(text(value))


def rounded(value, digits: int = 10):
    """Floats, in anything nested, to so many digits: what is left of them on any machine."""
    if isinstance(value, dict):
        return {key: rounded(one, digits) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one, digits) for one in value]
    if hasattr(value, "tolist"):  # of numpy
        return rounded(value.tolist(), digits)
    if isinstance(value, float):
        return round(float(f"{value:.{digits}g}"), 12) + 0.0  # no -0.0
    return value


def _shown(value, indent: int, split: bool = False) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value:
        return line
    if len(line) + indent <= WIDTH and not split:
        return line
    inner, outer = " " * (indent + 2), " " * indent
    if isinstance(value, dict):
        begin, end = "{", "}"
        parts = [f"{json.dumps(k)}: {_shown(v, indent + 2)}" for k, v in value.items()]
    else:
        begin, end = "[", "]"
        parts = [_shown(v, indent + 2) for v in value]
    return f"{begin}\n{inner}" + f",\n{inner}".join(parts) + f"\n{outer}{end}"
