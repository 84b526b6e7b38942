"""docs/analysis.md names every function, and its example runs."""

import inspect
import pathlib
import re

from compare_gan_tf import analysis

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "analysis.md").read_text()


def test_every_public_function_is_on_the_page():
    functions = [name for name, one in vars(analysis).items() if inspect.isfunction(one)]
    assert len(functions) > 25
    assert [name for name in functions if f"`{name}" not in PAGE] == []


def test_its_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(code, "docs/analysis.md", "exec"), {})
    interval, claim = capsys.readouterr().out.splitlines()
    assert interval.startswith("Interval(value=-0.") and claim.startswith("supported Interval(")
