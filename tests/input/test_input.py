"""1,000 wrong inputs: exit code 1, one line that names the value, no traceback, nothing written."""

import os
import pathlib
import shutil
import stat

import forked_verbs
import input_data
import input_models
import input_texts
import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st
from input_doors import DOORS

assert input_texts and input_data and input_models  # which add their doors
FEW = 4  # inputs of a door in the fast tests


def tree(folder) -> dict:
    """{path: what is there} of all that a folder holds."""
    found = {}
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            now = os.lstat(path)
            is_folder = stat.S_ISDIR(now.st_mode)
            found[path] = now.st_mode, None if is_folder else (now.st_size, now.st_mtime_ns)
    return found


def complaint(command, ended, before, after) -> str | None:
    """What is wrong with how a command ended; None for nothing."""
    if ended.code is None:
        return f"it still ran after {forked_verbs.MOST_SECONDS} s"
    if "Traceback" in ended.err:
        return "a traceback"
    if ended.code != 1:
        return f"exit code {ended.code}"
    if len(ended.err.splitlines()) != 1 or not ended.err.startswith("compare-gan"):
        return "not one line"
    if command.culprit not in ended.err:
        return f"{command.culprit!r} is not named"
    if command.secret and command.secret in ended.err + ended.out:
        return "a secret is shown"
    if before != after:
        return f"written: {sorted(set(before) ^ set(after)) or 'a file that was there'}"
    return None


def try_out(name: str, number: int, server, made, scratch) -> dict:
    """What came of `number` wrong inputs of a door; under "bad" those that ended badly."""
    tally = {"refused": 0, "right": 0, "slowest": 0.0, "bad": []}

    @settings(max_examples=number, deadline=None, database=None, derandomize=True,
              phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def one(data):
        folder = pathlib.Path(scratch / "example")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = DOORS[name].make(data.draw, folder, made)
        before = tree(folder)
        ended = server.run(*command.arguments, cwd=folder)
        tally["slowest"] = max(tally["slowest"], ended.seconds)
        if command.may_be_right and ended.code == 0 and "Traceback" not in ended.err:
            tally["right"] += 1
            reject()
        tally["refused"] += 1
        wrong = complaint(command, ended, before, tree(folder))
        if wrong:
            tally["bad"].append((wrong, command.arguments, ended.err[-1500:]))

    one()
    return tally


def check(name, number, server, made, scratch, tallies):
    tally = tallies[name] = try_out(name, number, server, made, scratch)
    assert not tally["bad"], tally["bad"]
    assert tally["refused"] == number


@pytest.mark.parametrize("name", DOORS)
def test_a_few_wrong_inputs_of_every_door(name, server, made, tmp_path, tallies):
    check(name, FEW, server, made, tmp_path, tallies)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_1000_wrong_inputs(name, server, made, tmp_path, tallies):
    assert sum(door.share for door in DOORS.values()) == 1_000
    check(name, DOORS[name].share, server, made, tmp_path, tallies)
