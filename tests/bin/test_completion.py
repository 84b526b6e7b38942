"""Completion in the shells themselves: what Tab makes of a line."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time

import pytest

from compare_gan_tf import pretrained
from compare_gan_tf.bin import command, completion, train
from compare_gan_tf.bin.completion import bash, fish, names, zsh
from compare_gan_tf.bin.main import VERBS
from compare_gan_tf.config import gin_files

SCRIPTS = {"bash": bash, "zsh": zsh, "fish": fish}
# {a line: how it ends after Tab}, the same in every shell.
LINES = {
    "compare-gan descr": "describe",
    "compare-gan train --mod": "--model_dir=",
    "compare-gan train --schedule=eval_": "--schedule=eval_after_train",
    "compare-gan train --gin_config=quicks": "--gin_config=quickstart.gin",
    "compare-gan evaluate --metrics=fid,authen": "--metrics=fid,authenticity",
    "compare-gan sample --model=digits_16": "--model=digits_16_colours",
    "compare-gan study sta": "status",
    "compare-gan study status --wat": "--watch",
    "compare-gan completion fis": "fish",
}


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """Returns a function: shell -> path of its script."""
    folder = tmp_path_factory.mktemp("scripts")

    def write(shell):
        path = folder / f"compare-gan.{shell}"
        path.write_text(SCRIPTS[shell].script())
        return path

    return write


def test_all_verbs_flags_and_values_are_known():
    found = names.verbs()
    assert VERBS.keys() | {"study work", "study status"} <= found.keys()
    of_train = {one.name: one for one in found["train"].flags}
    assert of_train.keys() >= {"--model_dir", "--profile", "--allow_config_change"}
    assert of_train["--schedule"].values == train.SCHEDULES
    assert set(of_train["--gin_config"].values) == set(gin_files.packaged_configs())
    of_evaluate = {one.name: one for one in found["evaluate"].flags}
    # In a process of its own: other tests register metrics in this one.
    listed = [sys.executable, "-c", "from compare_gan_tf import metrics; print(*metrics.names())"]
    done = subprocess.run(listed, capture_output=True, text=True, check=True)
    assert of_evaluate["--metrics"].values == tuple(done.stdout.split())
    assert "quick" in of_evaluate["--preset"].values
    of_sample = {one.name: one for one in found["sample"].flags}
    assert set(of_sample["--model"].values) == set(pretrained.names())
    assert not of_sample["--overwrite"].takes_value and of_sample["--num"].takes_value


def test_every_flag_that_help_tells_is_completed():
    for name, verb in names.verbs().items():
        module = sys.modules[f"compare_gan_tf.bin.{name.replace(' ', '.')}"]
        told = {line.split("=")[0].strip() for line in command.help_text(name, module).split("\n")
                if line.startswith("  --")}  # fmt: skip
        told = {one.replace("[no]", "").partition("[")[0] for one in told}
        assert told <= {one.name for one in verb.flags}, name


def completed(path, line):
    """COMPREPLY of bash's function, and the seconds it took."""
    program = f"""source {path}; COMP_LINE="$1"; COMP_POINT=${{#1}}
    s=$EPOCHREALTIME; _compare_gan; e=$EPOCHREALTIME
    printf '%s\\n' "$(( (${{e/./}} - ${{s/./}}) ))" "${{COMPREPLY[@]}}" """
    done = subprocess.run(
        ["bash", "--norc", "-c", program, "bash", line], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    microseconds, *words = done.stdout.splitlines()
    return words, int(microseconds) / 1e6


def test_bash_completes_quickly(script, tmp_path):
    path = script("bash")
    for line, ending in LINES.items():
        words, seconds = completed(path, line)
        assert [ending.rpartition("=")[2] or ending] == words, line
        assert seconds < 0.3, line
    assert set(completed(path, "compare-gan ")[0]) == VERBS.keys()
    (tmp_path / "run one").mkdir()
    assert completed(path, f"compare-gan report --model_dir={tmp_path}/ru")[0] == [
        f"{tmp_path}/run one"
    ]
    assert completed(path, f"compare-gan compare {tmp_path}/ru")[0] == [f"{tmp_path}/run one"]
    assert completed(path, "compare-gan train --strategy mirr")[0] == ["mirrored"]


def test_no_tensorflow_is_imported_for_the_script():
    program = (
        "import sys; from compare_gan_tf.bin.completion import bash; bash.script();"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_another_shell_is_one_line(run_verb):
    code, out, err = run_verb(completion, "tcsh")
    assert (code, out) == (1, "") and "bash, zsh, fish" in err.splitlines()[-1]
    assert run_verb(completion)[0] == 1
    code, out, _ = run_verb(completion, "bash")
    assert code == 0 and out.rstrip("\n") == bash.script()


STARTED = {
    "bash": (["--norc", "-i"], "compare-gan() {{ printf '<%s>\\n' \"$*\"; }}; source {path}"),
    "zsh": (
        ["-f", "-i"],
        "compare-gan() {{ printf '<%s>\\n' \"$*\" }}; autoload -Uz compinit; compinit -u -D;"
        " source {path}",
    ),
}


def typed(shell, path, line):
    """What the program got after a person typed a line, Tab and Enter, on a terminal."""
    arguments, setup = STARTED[shell]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="$ ")
        os.execvp(shell, [shell, *arguments])
    try:
        _send(terminal, setup.format(path=path) + "\n", "$ ")
        os.write(terminal, b"echo rea''dy\n")
        _until(terminal, "ready")
        return _send(terminal, line + "\t", None) + _send(terminal, "\n", ">")
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _send(terminal, text, awaited):
    os.write(terminal, text.encode())
    time.sleep(0.5)
    return _until(terminal, awaited)


def _until(terminal, awaited):
    read, end = "", time.monotonic() + 10
    while time.monotonic() < end and (awaited is None or awaited not in read):
        if not select.select([terminal], [], [], 0.5)[0]:
            if awaited is None:
                break
            continue
        read += os.read(terminal, 4096).decode(errors="replace")
    return read


@pytest.mark.slow
@pytest.mark.parametrize("shell", list(STARTED))
def test_a_line_that_is_typed_on_a_terminal(shell, script):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    path = script(shell)
    for line, ending in LINES.items():
        got = typed(shell, path, line).rpartition("<")[2].partition(">")[0]
        assert got.split()[-1].rstrip("=") == ending.rstrip("="), line  # zsh takes "=" back


@pytest.mark.slow
def test_fish_completes(script):
    if shutil.which("fish") is None:
        pytest.skip("there is no fish")
    for line, ending in LINES.items():
        program = f"source {script('fish')}; complete -C '{line}'"
        done = subprocess.run(["fish", "-N", "-c", program], capture_output=True, text=True)
        assert done.stderr == ""
        words = [word.partition("\t")[0] for word in done.stdout.splitlines()]
        assert words == [ending.rstrip("=")] or words == [ending], line
