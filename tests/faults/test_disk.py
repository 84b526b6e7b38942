"""A disk that is full at any write, or read-only: one line and its cure, and nothing is lost.

The disk is a tmpfs of some megabytes, which only root can mount. COMPARE_GAN_FULL says how often it
is full in each verb.
"""

import os
import random
import subprocess

import kills
import pytest
import run_facts
from killed_runs import chain, config_of, tell, undisturbed

NUMBER = int(os.environ.get("COMPARE_GAN_FULL", "3"))
GAME = "wgan_gp_of_classes"  # which has every verb
LARGE = 64 * 2**20  # bytes


class Disk:
    """A tmpfs of a size that can be changed."""

    def __init__(self, path):
        path.mkdir()
        self.path = path
        subprocess.run(["mount", "-t", "tmpfs", "none", str(path)], check=True)

    @property
    def used(self):
        """Bytes."""
        found = os.statvfs(self.path)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def set(self, option):
        """Such as "size=100000" or "ro"."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True)

    def close(self):
        """Unmounts it."""
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    if os.geteuid():
        pytest.skip("only root can mount a disk that is full")
    found = Disk(tmp_path_factory.mktemp("disk") / "mounted")
    yield found
    found.close()


@pytest.fixture(scope="module")
def game(disk, tmp_path_factory):
    """(commands, config, {verb: bytes that it writes}, what an undisturbed run holds)"""
    folder = tmp_path_factory.mktemp("game")
    config, commands = folder / "config.gin", kills.Commands(folder / "log.txt")
    config.write_text(config_of(GAME))
    disk.set(f"size={LARGE}")
    whole, needs = disk.path / "whole" / "run", {}
    whole.parent.mkdir()
    for verb, arguments in chain(GAME, config, whole).items():
        before = disk.used
        undisturbed(commands, {verb: arguments}, whole, facts=False)
        needs[verb] = disk.used - before
    expected = run_facts.facts(whole)
    return commands, config, needs, expected


def said(commands, before):
    """What a command has said since, without its bars."""
    text = commands.log.read_bytes()[before:].decode()
    lines = [line.rpartition("\r")[2].strip() for line in text.splitlines()]
    return [line for line in lines if line.startswith("compare-gan ")]


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write(disk, game):
    commands, config, needs, expected = game
    draw, told = random.Random(0), []
    folder = disk.path / "full" / "run"
    folder.parent.mkdir()
    for verb, arguments in chain(GAME, config, folder).items():
        for attempt in range(NUMBER):
            room = draw.randint(0, needs[verb] // (attempt + 1) // 4096) * 4096
            before = commands.log.stat().st_size if commands.log.exists() else 0
            disk.set(f"size={disk.used + room}")
            code, *_ = commands.run(arguments, folder.parent)
            disk.set(f"size={LARGE}")
            lines = said(commands, before)
            assert "Traceback" not in commands.log.read_bytes()[before:].decode()
            if code == 0:  # it fitted: a resumed run writes less
                break
            assert code == 1 and "No space left on device" in lines[-1], (verb, code, lines)
            assert "free space there" in lines[-1], lines[-1]
            told.append(verb)
        code, *_ = commands.run(arguments, folder.parent)
        assert code == 0, (verb, said(commands, before))
    tell(full={verb: told.count(verb) for verb in needs}, needs=needs)
    assert run_facts.differences(expected, run_facts.facts(folder)) == {}
    assert len(told) >= NUMBER


@pytest.mark.slow
def test_a_disk_that_is_read_only(disk, game):
    commands, config, _, expected = game
    folder = disk.path / "whole" / "run"
    steps = chain(GAME, config, folder)
    steps["train"].append("--gin_bindings=train.training_steps = 67")
    steps["evaluate"].append("--gin_bindings=evaluate.seed = 7")
    disk.set("ro")
    try:
        for verb, arguments in steps.items():
            before = commands.log.stat().st_size
            code, *_ = commands.run(arguments, folder.parent)
            lines = said(commands, before)
            assert code == 1 and "Read-only file system" in lines[-1], (verb, code, lines)
            assert "Traceback" not in commands.log.read_bytes()[before:].decode()
    finally:
        disk.set("rw")
    assert run_facts.differences(expected, run_facts.facts(folder)) == {}
    tell(read_only=list(steps))
