"""How many small faults the fast tests find: mutation testing of what computes numbers.

A mutant is the package with one operator, comparison or number changed, by cosmic-ray's operators.
`--number` of them are drawn by `--seed`, as many from each of objectives, metrics, the update and
checkpoints: first a place, then what happens there. Each is given to the tests that run its line,
those first that run the fewest lines; it is killed if one fails, or if they take too long. The
lines of a test are those that `make coverage` has noted. Prints each survivor as a change of its
file, then the share killed in each part; exits with 1 if that of all is below `--least`.

TensorFlow is imported once: each mutant is a fork of this process, which then imports the package.
The files of the package stay as they are. What was found is kept in `--results`, for the next call.

  make coverage && python tests/helpers/mutants.py --number=400
"""

import argparse
import ast
import collections
import difflib
import importlib
import importlib.machinery
import json
import os
import pathlib
import random
import re
import signal
import sys
import tempfile
import time

import coverage
import pytest
from cosmic_ray import plugins
from cosmic_ray.ast import Visitor, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = pathlib.Path(__file__).resolve().parents[2]
# {part: its files}; a quarter of the mutants is of each part.
PARTS = {
    "objectives and penalties": "objectives/*",
    "metrics": "metrics/*",
    "the update": "gan/*",
    "checkpoints": "runs/checkpoints",
}
# What computes no numbers: names, files, downloads, messages, processes of several machines.
LEFT_OUT = re.compile(
    r"(__init__|classifiers|downloads|encoders|extractor_names|extractors|floor_notes|"
    r"image_networks|inception|model_files|presets|registry|sources|train_classifier|cluster|"
    r"compatibility|connecting|description|dry_run|parts|step_products|tracing|workers)\.py"
)
# Those whose results Python can still compute with: "+" as "&" is found by any test.
OPERATORS = re.compile(
    r"core/(AddNot|ExceptionReplacer|NumberReplacer|ReplaceAndWithOr|ReplaceOrWithAnd"
    r"|ReplaceFalseWithTrue|ReplaceTrueWithFalse|ReplaceBreakWithContinue|ReplaceContinueWithBreak"
    r"|ReplaceUnaryOperator_Delete_(Not|USub)|ZeroIterationForLoop"
    r"|ReplaceComparisonOperator_(Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_Gt|Gt_Lt|Eq_NotEq|NotEq_Eq"
    r"|Is_IsNot|IsNot_Is)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Mul|Mod_Mul))"
)
BEFORE_A_FORK = (
    "tensorflow", "keras", "gin", "scipy.stats", "sklearn.datasets", "PIL.Image", "matplotlib",
    "absl.flags", "tqdm", "jinja2", "rich", "threadpoolctl",
)  # fmt: skip
MOST_TESTS = 30  # for a mutant
OF_ALL = ["tests/config/test_gin_defaults.py"]  # run after the others: it knows all defaults
SECONDS = 300  # for them


# --- Mutants ----------------------------------------------------------------------------------


class _Places(Visitor):
    """Collects where one operator can change a file: [(line, column), ...], in its own order."""

    def __init__(self, operator):
        self.operator, self.found = operator, []

    def visit(self, node):
        self.found += [begin for begin, _ in self.operator.mutation_positions(node)]
        return node


def drawn(number: int, seed: int) -> list[dict]:
    """Mutants at random places of the parts: {"part", "file", "line", "operator", "occurrence"}."""
    draw, found = random.Random(seed), []
    for part, pattern in PARTS.items():
        at_place = collections.defaultdict(list)
        for path in sorted((ROOT / "compare_gan_tf").glob(f"{pattern}.py")):
            if not LEFT_OUT.fullmatch(path.name):
                for place, mutant in _possible(path):
                    at_place[place].append({"part": part} | mutant)
        chosen = draw.sample(sorted(at_place), min(number // len(PARTS), len(at_place)))
        print(f"{part}: {len(chosen)} of {len(at_place)} places")
        found += [draw.choice(at_place[place]) for place in chosen]
    return found


def _possible(path: pathlib.Path):
    """Yields ((file, line, column), mutant) of a file."""
    source, file = path.read_text(), str(path.relative_to(ROOT))
    skipped, tree, lines = _not_run(source), get_ast(source), source.splitlines()
    for name in filter(OPERATORS.fullmatch, sorted(plugins.operator_names())):
        places = _Places(plugins.get_operator(name)())
        places.walk(tree)
        for occurrence, (line, column) in enumerate(places.found):
            of_signature = lines[line - 1][column:].startswith("*,")  # no product
            if not of_signature and not any(b <= (line, column) < e for b, e in skipped):
                mutant = {"file": file, "line": line, "operator": name, "occurrence": occurrence}
                yield (file, line, column), mutant


def _not_run(source: str) -> list[tuple]:
    """[((line, column) of the begin, of the end), ...] of annotations."""
    nodes = [getattr(node, "annotation", None) for node in ast.walk(ast.parse(source))]
    nodes += [getattr(node, "returns", None) for node in ast.walk(ast.parse(source))]
    return [
        ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
        for node in nodes
        if node is not None
    ]


def mutated(mutant: dict) -> tuple[str, str]:
    """The source of a mutant's file, and with the mutant in it."""
    source = (ROOT / mutant["file"]).read_text()
    operator = plugins.get_operator(mutant["operator"])()
    return source, mutate_code(source, operator, mutant["occurrence"])


def change(mutant: dict) -> str:
    """What a mutant changes, as a diff without context."""
    both = [text.splitlines() for text in mutated(mutant)]
    lines = list(difflib.unified_diff(*both, n=0, lineterm=""))[3:]
    return "\n".join(f"  {line}" for line in lines)


# --- Tests ------------------------------------------------------------------------------------


class Tests:
    """Which tests run a line, from the contexts of the file of coverage."""

    def __init__(self, data_file: str):
        self._data = coverage.CoverageData(data_file)
        self._data.read()
        self._size = collections.Counter()  # {context: lines of ours that it runs}
        for path in self._data.measured_files():
            for contexts in self._data.contexts_by_lineno(path).values():
                self._size.update(contexts)

    def of(self, mutant: dict) -> list[str]:
        """Node ids of tests, the smallest first; of what is around the line if none runs it."""
        by_line = self._data.contexts_by_lineno(mutant["file"])
        source = (ROOT / mutant["file"]).read_text()
        nodes = [one for one in ast.walk(ast.parse(source)) if hasattr(one, "lineno")]
        spans = [range(node.lineno, node.end_lineno + 1) for node in nodes]
        around = [span for span in spans if mutant["line"] in span]
        for lines in [*sorted(around, key=len), range(1, len(source))]:
            found = {one for line in lines for one in by_line.get(line, ()) if _node_id(one)}
            if found:
                ordered = sorted(found, key=lambda one: (self._size[one], one))
                return [_node_id(one) for one in ordered[:MOST_TESTS]]
        return []


def _node_id(context: str) -> str | None:
    """The id of a test for pytest, of a context such as tests.gan.test_gan.test_name."""
    folder, _, name = context.rpartition(".")
    file = folder.replace(".", "/") + ".py"
    return f"{file}::{name}" if folder.startswith("tests.") and (ROOT / file).is_file() else None


def run(tests: list[str], mutant: dict | None) -> tuple[str, str]:
    """("passed", ""), or "failed" or "slow" with the test; of the package with a mutant in it."""
    with tempfile.TemporaryFile("w+") as log:
        child = os.fork()
        if not child:
            _in_the_child(tests, mutant, log.fileno())
        end = time.monotonic() + SECONDS
        while (done := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < end:
            time.sleep(0.05)
        if not done[0]:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "slow", ""
        log.seek(0)
        said = log.read()
        code = os.waitstatus_to_exitcode(done[1])
    if code == 0:
        return "passed", ""
    found = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", said, re.MULTILINE)
    return "failed", found[1] if found else f"exit code {code}"


def _in_the_child(tests: list[str], mutant: dict | None, log: int):
    os.setsid()
    os.dup2(log, 1)
    os.dup2(log, 2)
    if mutant is not None:
        _import_with(str(ROOT / mutant["file"]), mutated(mutant)[1])
    code = 3
    try:
        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests])
        sys.stdout.flush()
    finally:
        os._exit(code)


def _import_with(path: str, source: str):
    """Lets Python import a source in place of a file's."""
    loader = importlib.machinery.SourceFileLoader
    unchanged = loader.get_code

    def get_code(self, name):
        if self.path != path:
            return unchanged(self, name)
        return compile(source, path, "exec", dont_inherit=True)

    loader.get_code = get_code


def verdict(mutant: dict, tests: list[str], broken: dict[str, bool]) -> tuple[str, str]:
    """As `run`, without tests that fail on the unchanged package too: `broken` keeps which."""
    while tests := [test for test in tests if not broken.get(test)]:
        outcome, test = run([*tests, *OF_ALL], mutant)
        if outcome != "failed" or test not in tests:  # a file that cannot be imported, say
            return outcome, test
        if test not in broken:
            broken[test] = run([test], None)[0] != "passed"
        if not broken[test]:
            return outcome, test
    return "untested", ""


# --- All --------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=400, help="of mutants")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    parser.add_argument("--data", default=str(ROOT / ".coverage"), help="the file of coverage")
    parser.add_argument("--results", default=str(ROOT / ".mutants.jsonl"), help="what is found")
    parser.add_argument("--least", type=float, default=0.85, help="share to be killed")
    parser.add_argument("--only", default="", help="only files whose path begins so")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    for name in BEFORE_A_FORK:
        importlib.import_module(name)
    tests, broken, results = Tests(arguments.data), {}, pathlib.Path(arguments.results)
    rows = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    known = {json.dumps(row["mutant"]): row for row in rows}
    shares = collections.defaultdict(collections.Counter)
    for mutant in drawn(arguments.number, arguments.seed):
        if not mutant["file"].startswith(arguments.only):
            continue
        key = json.dumps(mutant)
        if key not in known:
            outcome, test = verdict(mutant, tests.of(mutant), broken)
            known[key] = {"mutant": mutant, "outcome": outcome, "test": test}
            with results.open("a") as file:
                file.write(json.dumps(known[key]) + "\n")
        outcome = known[key]["outcome"]
        shares[mutant["part"]][outcome] += 1
        if outcome in ("passed", "untested"):
            print(f"{outcome}: {mutant['file']}:{mutant['line']}\n{change(mutant)}", flush=True)
    killed = number = 0
    for part, counts in shares.items():
        found, every = counts["failed"] + counts["slow"], counts.total()
        killed, number = killed + found, number + every
        print(f"{part}: {found} of {every} killed, {found / every:.0%}")
    if number:
        print(f"all: {killed} of {number} killed, {killed / number:.0%}")
        sys.exit(killed < arguments.least * number)


if __name__ == "__main__":
    main()
