"""Prints the share of lines that the tests ran, by package, from the file of `make coverage`.

Names the packages below `--least`; exits with 1 if the whole is below it.

  python tests/helpers/covered.py --least=0.9
"""

import argparse
import collections
import json
import pathlib
import sys
import tempfile

import coverage


def by_package(data_file: str) -> dict[str, tuple[int, int]]:
    """{package: (lines that ran, lines)}."""
    measured = coverage.Coverage(data_file)
    measured.load()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "coverage.json"
        measured.json_report(outfile=str(path))
        files = json.loads(path.read_text())["files"]
    counts = collections.defaultdict(collections.Counter)
    for file, found in files.items():
        counts[str(pathlib.Path(file).parent)].update(found["summary"])
    return {
        package: (count["covered_lines"], count["num_statements"])
        for package, count in sorted(counts.items())
        if count["num_statements"]
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--least", type=float, default=0.9, help="share of the lines")
    parser.add_argument("--data", default=".coverage", help="the file of coverage")
    arguments = parser.parse_args()
    found = by_package(arguments.data)
    found["all"] = tuple(map(sum, zip(*found.values(), strict=True)))
    for package, (ran, lines) in found.items():
        print(f"{package:32} {ran:6} of {lines:6}  {ran / lines:6.1%}")
    if low := [one for one, (ran, lines) in found.items() if ran < arguments.least * lines]:
        print(f"below {arguments.least:.0%}: {', '.join(low)}")
    sys.exit("all" in low)


if __name__ == "__main__":
    main()
