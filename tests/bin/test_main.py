"""The console command, and how fast its help is."""

import importlib
import resource
import statistics
import subprocess
import sys
import time

import pytest

from compare_gan_tf import __version__
from compare_gan_tf.bin import command, main

HELP_SECONDS = 2.0
START_SECONDS = 4.0  # of the processor, with TensorFlow


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["help"]])
def test_without_a_verb_the_verbs_are_listed(arguments, capsys):
    with pytest.raises(SystemExit) as exit_:
        main.main(["compare-gan", *arguments])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    assert all(f"  {verb} " in out for verb in ("train", "evaluate", "export", "report"))


def test_an_unknown_verb_is_one_line_with_the_nearest(capsys):
    with pytest.raises(SystemExit) as exit_:
        main.main(["compare-gan", "trian", "--model_dir=x"])
    assert exit_.value.code == 1
    assert capsys.readouterr().err == "compare-gan: no verb 'trian'; did you mean train?\n"


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        main.main(["compare-gan", "--version"])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("verb", main.VERBS)
def test_help_of_a_verb_imports_no_tensorflow(verb):
    code = (
        "import sys\nfrom compare_gan_tf.bin import main\n"
        "try: main.main(sys.argv)\n"
        "except SystemExit as exit_: assert exit_.code == 0\n"
        "heavy = {'tensorflow', 'keras', 'numpy'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    program = [sys.executable, "-c", code, verb, "--help"]
    text = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert text.startswith(f"compare-gan {verb}: ")
    assert "For example" in text
    module = importlib.import_module(f"compare_gan_tf.bin.{verb}")
    common = getattr(module, "COMMON_FLAGS", command.COMMON_FLAGS)
    assert [name for name in command.COMMON_FLAGS if f"  --{name}=" in text] == list(common)


def test_help_takes_less_than_two_seconds():
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        command = [sys.executable, "-m", "compare_gan_tf.bin.main", "train", "--help"]
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < HELP_SECONDS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--gin_config=nowhere.gin", "--model_dir=x"], "no gin file 'nowhere.gin'"),
        (["train", "--model_dir=/nowhere/x"], "there is no /nowhere/x/config.gin"),
        (["evaluate", "--model_dir=/nowhere/x"], "there is no /nowhere/x/config.gin"),
        (["export", "--model_dir=/nowhere/x"], "there is no /nowhere/x/config.gin"),
        (["report", "--model_dir=/nowhere/x"], "there is no /nowhere/x/config.gin"),
        (["describe"], "neither --gin_config nor --model_dir is given"),
        (["toy", "--gin_config=nowhere.gin", "--model_dir=x"], "no gin file 'nowhere.gin'"),
        (["data"], "--dataset is missing"),
    ],
)
def test_what_needs_no_tensorflow_waits_for_none(arguments, message):
    code = (
        "import sys\nfrom compare_gan_tf.bin import main\n"
        "try: main.main(sys.argv)\n"
        "except SystemExit as exit_: assert exit_.code == 1\n"
        "assert 'tensorflow' not in sys.modules"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert message in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_verb_starts_in_four_seconds_of_the_processor():
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "compare_gan_tf.bin.main", "describe"]
        subprocess.run([*command, "--gin_config=quickstart.gin"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) < START_SECONDS


def test_a_reader_that_has_seen_enough_of_the_help_is_no_error():
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "toy", "--help"]
    reader = subprocess.Popen(["true"], stdin=subprocess.PIPE)
    reader.wait()
    done = subprocess.run(command, stdout=reader.stdin, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")
