"""Reproduces rows of the papers at a small scale: each for several seeds, median and range.

A row is a file of experiments/rows: its docstring says what the paper claims, MEASURES what must
come out, and `measure(seed, folder)` returns the numbers of one seed.

  python experiments/reproduce.py                         # lists the rows
  python experiments/reproduce.py bgan_table lsgan_ring   # runs two of them
  python experiments/reproduce.py all --seeds 3 --output runs/rows/table.md

What a seed has measured is kept in <runs>/<row>/<seed>/measured.json and not measured again; delete
the folder to do so. Exits with 1 if a median lies outside its bounds.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from measures import table

ROWS = pathlib.Path(__file__).parent / "rows"
HEADER = "| row | measured | median [range] | asked | reproduced |\n|---|---|---|---|---|"


def names() -> list[str]:
    """Those of all rows."""
    return sorted(path.stem for path in ROWS.glob("*.py"))


def load(name: str):
    """The module of a row."""
    spec = importlib.util.spec_from_file_location(name, ROWS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measured(name: str, seed: int, runs: str) -> dict:
    """What a seed measures, in a process of its own: {"values", "cpu_minutes"}."""
    folder = os.path.join(runs, name, str(seed))
    path = os.path.join(folder, "measured.json")
    if not os.path.exists(path):
        command = [sys.executable, __file__, "--measure", name, "--seed", str(seed)]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
        subprocess.run([*command, "--runs", runs], check=True, env=environment)
    with open(path) as file:
        return json.load(file)


def measure(name: str, seed: int, runs: str) -> None:
    """Measures one seed, and keeps what comes out."""
    folder = os.path.join(runs, name, str(seed))
    os.makedirs(folder, exist_ok=True)
    values = {key: float(value) for key, value in load(name).measure(seed, folder).items()}
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    minutes = sum(one.ru_utime + one.ru_stime for one in used) / 60
    path = os.path.join(folder, "measured.json")
    with open(path + ".partial", "w") as file:
        json.dump({"values": values, "cpu_minutes": minutes}, file, indent=1)
    os.replace(path + ".partial", path)


def title(row) -> str:
    """What a row is, in a line."""
    return row.__doc__.splitlines()[0].removesuffix(".")


def reproduce(chosen: list[str], seeds: int, runs: str) -> tuple[str, bool]:
    """Runs rows; returns their table, and whether all medians lie within their bounds."""
    lines, held = [HEADER], True
    for name in chosen:
        row = load(name)
        found = [measured(name, seed, runs) for seed in range(seeds)]
        values = [one["values"] for one in found]
        part = table(title(row), row.MEASURES, values)
        minutes = sum(one["cpu_minutes"] for one in found)
        print(f"{part}\n{name}: {minutes:.1f} CPU-minutes for {seeds} seeds\n", flush=True)
        lines.append(part)
        held = held and all(measure.reproduced(values) for measure in row.MEASURES)
    return "\n".join(lines), held


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help="names of rows, or all; without, lists them")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0 on")
    parser.add_argument("--runs", default="runs/rows", help="folder of what is trained")
    parser.add_argument("--output", help="file for the table")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    unknown = sorted({*arguments.rows} - {*names(), "all"})
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are: {', '.join(names())}")
    if arguments.seeds < 1:
        parser.error(f"--seeds is {arguments.seeds}: at least 1")
    return arguments


def main():
    arguments = parse()
    if arguments.measure:
        measure(arguments.measure, arguments.seed, arguments.runs)
        return
    if not arguments.rows:
        print("\n".join(f"{name:<27}{title(load(name))}" for name in names()))
        return
    chosen = names() if "all" in arguments.rows else arguments.rows
    shown, held = reproduce(chosen, arguments.seeds, arguments.runs)
    if arguments.output:
        pathlib.Path(arguments.output).write_text(shown + "\n")
    sys.exit(int(not held))


if __name__ == "__main__":
    main()
