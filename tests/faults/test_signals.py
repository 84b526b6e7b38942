"""SIGTERM and Ctrl-C at random moments of every verb: it ends in seconds, and leaves nothing.

`COMPARE_GAN_SIGNALS` says how many of each are sent to each verb.
"""

import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

import kills
import pytest
import run_facts
from killed_runs import EVERY, MLP, STUDY, tell

NUMBER = int(os.environ.get("COMPARE_GAN_SIGNALS", "3"))
MOST_SECONDS = 30  # to the end of the process, on a machine that is busy
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
CONFIG = f"{MLP}{EVERY}GAN.objectives = [@Adversarial()]\n"
SAID = re.compile(r"^compare-gan( [a-z ]+)?: (interrupted by SIG|stopped by signal )", re.MULTILINE)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(config, folder of a run, commands)"""
    folder = tmp_path_factory.mktemp("signals")
    (folder / "config.gin").write_text(CONFIG)
    commands = kills.Commands(folder / "log.txt")
    arguments = ["train", f"--gin_config={folder / 'config.gin'}", f"--model_dir={folder / 'run'}"]
    assert commands.run(arguments, folder)[0] == 0, (folder / "log.txt").read_text()
    return folder, commands


def commands_of(folder, name):
    """{verb: its arguments}"""
    config, run = f"--gin_config={folder / 'config.gin'}", f"--model_dir={folder / 'run'}"
    (folder / "base.gin").write_text(CONFIG)
    (folder / "study.gin").write_text(STUDY.format(base=folder / "base.gin"))
    study = [f"--gin_config={folder / 'study.gin'}", f"--study_dir={folder / name}"]
    return {
        "train": ["train", config, f"--model_dir={folder / name}"],
        "evaluate": ["evaluate", run, "--gin_bindings=evaluate.seed = 1"],
        "export": ["export", run],
        "report": ["report", run],
        "study": ["study", *study, "--workers=1"],
    }


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", "evaluate", "export", "report", "study"])
def test_a_verb_ends_in_seconds_and_says_so(run, verb):
    folder, commands = run
    draw, log, longest = random.Random(verb), folder / "log.txt", 0.0
    whole = commands.run(commands_of(folder, "whole")[verb], folder)
    assert whole[0] == 0, log.read_text()[-3000:]
    seen = 0
    for number in [*CODES] * NUMBER:
        before = log.stat().st_size
        arguments = commands_of(folder, f"{verb}{seen}")[verb]
        moment = draw.uniform(0.1, whole[1])
        code, *_, took = commands.run(arguments, folder, at_second=moment, number=number)
        if code == 0:
            continue  # it was done before
        said = log.read_bytes()[before:].decode()
        assert code == CODES[number] and SAID.search(said), (code, said)
        assert "Traceback" not in said
        assert took < MOST_SECONDS
        left = [one for one in run_facts.leftovers(folder) if "logs" not in one]
        assert left == []
        longest, seen = max(longest, took), seen + 1
    tell(signals=seen, verb=verb, longest=longest)
    assert seen


@pytest.mark.slow
@pytest.mark.parametrize("number", CODES)
def test_a_start_ends_in_seconds_also_in_the_import_of_tensorflow(run, number):
    """At random moments from the first line of the program on to the first of the training."""
    folder, draw, longest = run[0], random.Random(int(number)), 0.0
    command = [sys.executable, "-m", "compare_gan_tf.bin.main"]
    for attempt in range(2 * NUMBER):
        process = subprocess.Popen(
            [*command, *commands_of(folder, "start")["train"]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        while not kills.catches(process.pid, signal.SIGTERM):
            time.sleep(0.005)
        # The import takes some seconds of the processor.
        share = draw.uniform(0, 8.0) * (attempt + 0.5) / (2 * NUMBER)
        while process.poll() is None and processor_seconds(process.pid) < 0.3 + share:
            time.sleep(0.01)
        sent = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=kills.PATIENCE)
        longest = max(longest, time.monotonic() - sent)
        assert process.returncode in (CODES[number], 0), (process.returncode, said)
        assert "Traceback" not in said
        assert process.returncode == 0 or SAID.search(said.replace("\r", "\n")), said
    assert longest < MOST_SECONDS
    tell(signals=2 * NUMBER, verb="start", number=int(number), longest=longest)


def processor_seconds(pid):
    """Of a process, so far."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
