"""The verbs from flags to files: each in this process, on a network of a few hundred weights."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import config, training
from compare_gan_tf.bin import build, evaluate, export, report, train
from compare_gan_tf.errors import UserError
from compare_gan_tf.runs import checkpoints

pytestmark = pytest.mark.usefixtures("in_this_process")


def folder_of(flags):
    return pathlib.Path(flags[1].removeprefix("--model_dir="))


def test_one_run_goes_through_all_verbs(run_verb, small, monkeypatch, tmp_path):
    code, _, err = run_verb(train, *small)
    assert code == 0, err
    folder = folder_of(small)
    assert checkpoints.list_steps(folder) == [0, 2, 4]
    assert "mlp.generator.units = 8" in (folder / "config.gin").read_text()
    # Bound for a later stage, and therefore kept though training does not use it.
    assert "evaluate.batch_size = 300" in (folder / "config.gin").read_text()

    monkeypatch.chdir(tmp_path / "run")  # from here on, config.gin of the run is what is read
    code, out, err = run_verb(evaluate, "--model_dir=.")
    assert code == 0, err
    *lines, best_line, last_line, floor_line = out.splitlines()
    scores = [line for line in lines if line.startswith("step ")]
    warnings = [line for line in lines if line.startswith("warning: ")]
    assert lines == scores + warnings
    assert warnings[0] == (
        "warning: 300 real samples and 300 fakes: fid needs 10,000 (fid validation, fid test)"
    )
    assert floor_line.startswith("floor, real samples in place of fakes: fid validation ")
    assert len((folder / "scores.floor.jsonl").read_text().splitlines()) == 2
    assert len(scores) == len((folder / "scores.jsonl").read_text().splitlines()) == 6
    assert best_line.startswith("best by fid on validation, step ") and "fid test" in best_line
    assert last_line.startswith("last, step 4: fid validation ")
    best = json.loads((folder / "checkpoints/best/best.json").read_text())["step"]

    code, out, err = run_verb(export, "--model_dir=.", "--checkpoint=2")
    assert code == 0, err
    assert (folder / "hub/2/generator/saved_model.pb").exists()

    code, out, err = run_verb(report, "--model_dir=.")
    assert code == 0, err
    assert out.strip().endswith("report/index.html")
    assert (folder / "report/index.html").exists()
    assert build.choose_step(str(folder), None) == best
    assert build.choose_step(str(folder), "latest") == 4
    with pytest.raises(UserError, match="there are: 0, 2, 4"):
        build.choose_step(str(folder), "3")
    with pytest.raises(UserError, match="no checkpoint newest in .* there are: .*latest, best"):
        build.choose_step(str(folder), "newest")

    for path in folder.glob(f"checkpoints/ckpt-{best}.*"):
        path.unlink()  # as training does with all but the newest
    code, out, err = run_verb(export, "--model_dir=.")
    assert code == 0, err
    assert (folder / f"hub/{best}/generator/saved_model.pb").exists()


def test_training_again_does_nothing_and_more_steps_go_on(run_verb, small, trained):
    before = checkpoints.list_steps(trained)
    code, out, _ = run_verb(train, small[1])
    assert (code, checkpoints.list_steps(trained)) == (0, before)
    assert "trained to step 4" in out
    code, out, _ = run_verb(train, small[1], "--gin_bindings=train.training_steps = 6")
    assert (code, checkpoints.list_steps(trained)[-1]) == (0, 6)
    assert "trained to step 6" in out


def test_another_config_in_the_same_folder_is_refused_with_the_lines(run_verb, small, trained):
    change = "--gin_bindings=adam.learning_rate = 0.25"
    code, _, err = run_verb(train, *small, change)
    assert code == 1
    assert "+ adam.learning_rate = 0.25" in err
    assert "adam.learning_rate = 0.25" not in (trained / "config.gin").read_text()
    assert run_verb(train, *small, change, "--allow_config_change")[0] == 0
    assert "adam.learning_rate = 0.25" in (trained / "config.gin").read_text()


def test_a_start_that_failed_in_its_first_step_does_not_bind_the_cured_one(run_verb, small):
    objectives = "--gin_bindings=GAN.objectives = [@Adversarial(), @Rotation()]"
    failed = run_verb(train, *small, objectives, "--gin_bindings=Rotation.one_in = 3")
    assert failed[0] == 1 and "Rotation.one_in is 3" in failed[2]
    code, _, err = run_verb(train, *small, objectives, "--gin_bindings=Rotation.one_in = 4")
    assert code == 0, err
    assert "Rotation.one_in = 4" in (folder_of(small) / "config.gin").read_text()


@pytest.mark.parametrize(
    ("flag", "parts"),
    [
        ("--gin_bindings=train.trainin_steps = 1", ["trainin_steps", "mean training_steps?"]),
        ("--gin_bindings=GAN.generator = @mlp.generatr", ["generatr", "generator"]),
        ("--gin_bindings=data.load.name = 'digit'", ["'digit'", "digits"]),
        ("--gin_bindings=sndcgan.generator.width = 8", ["sndcgan.generator.width"]),
        ("--gin_bindings=GAN.objectives = [@Adversarial(), 'x", ["cannot parse"]),
        ("--gin_config=nowhere.gin", ["'nowhere.gin'"]),
        ("--schedule=sometimes", ["schedule"]),
        ("--init_from=nowhere", ["nowhere"]),
        ("--freeze_d_layers=1", ["freeze_d_layers = 1", "init_from"]),
        ("--gin_bindings=adam.learning_rate = 'x'", ["adam.learning_rate is 'x'", "a number or"]),
        ("--gin_bindings=GAN.d_steps = 1.5", ["GAN.d_steps = 1.5", "an integer"]),
        ("--gin_bindings=evaluate.every = -5", ["evaluate.every is -5", "0 or more"]),
    ],
)
def test_bad_input_is_one_line_with_code_1_and_writes_nothing(run_verb, small, flag, parts):
    code, out, err = run_verb(train, *small, flag)
    assert (code, out) == (1, "")
    assert err.startswith("compare-gan train: ")
    assert err.count("\n") == 1
    assert all(part in err for part in parts), err
    assert not list(folder_of(small).glob("checkpoints/*"))


def test_a_config_without_a_generator_says_which_binding_it_needs(run_verb, small, tmp_path):
    path = tmp_path / "bare.gin"
    path.write_text("train.model = @GAN\nGAN.objectives = [@Adversarial()]")
    code, _, err = run_verb(train, f"--gin_config={path}", small[1])
    assert code == 1
    assert "GAN.generator" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("verb", [train, evaluate, export, report])
def test_a_folder_without_a_run_is_one_line(run_verb, tmp_path, verb):
    code, _, err = run_verb(verb, f"--model_dir={tmp_path / 'empty'}")
    assert code == 1
    assert "--gin_config=quickstart.gin" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "empty").exists()


def test_an_unwritable_folder_is_one_line(run_verb, small, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = run_verb(train, small[0], f"--model_dir={tmp_path / 'file' / 'run'}")
    assert code == 1
    assert str(tmp_path / "file") in err
    assert err.count("\n") == 1


def test_flags_that_decide_the_result_are_kept_in_the_config(run_verb, small, trained, tmp_path):
    second = f"--model_dir={tmp_path / 'second'}"
    start = ("--init_from=" + str(trained), "--freeze_d_layers=1")
    code, _, err = run_verb(train, small[0], second, *start)
    assert code == 0, err
    text = (tmp_path / "second/config.gin").read_text()
    assert f"train.init_from = {str(trained)!r}" in text
    assert "train.freeze_d_layers = 1" in text
    assert run_verb(train, second)[0] == 0


def test_checkpoints_due_for_evaluation_outlive_the_others(run_verb, small):
    keep = "--gin_bindings=train.keep_checkpoints = 1"
    assert run_verb(train, *small, keep, "--schedule=eval_after_train")[0] == 0
    scores = (folder_of(small) / "scores.jsonl").read_text().splitlines()
    assert {json.loads(line)["step"] for line in scores} == {0, 2, 4}


def test_settings_of_evaluation_are_checked_before_training(run_verb, small):
    bad = ("--schedule=eval_after_train", "--gin_bindings=evaluate.splits = ['dev']")
    code, _, err = run_verb(train, *small, *bad)
    assert code == 1 and "no split 'dev', only train, validation, test" in err
    assert not folder_of(small).exists()


def test_later_verbs_refuse_what_nothing_uses(run_verb, small, trained):
    for verb in (evaluate, export, report):
        code, _, err = run_verb(verb, small[1], "--gin_bindings=Uniform.dim = 3")
        assert code == 1 and "used by nothing: Uniform.dim" in err
    assert not (trained / "scores.jsonl").exists()


def test_flags_that_continuous_evaluation_would_ignore_are_refused(run_verb, small):
    for flag in ("--init_from=x", "--allow_config_change", "--strategy=mirrored"):
        code, _, err = run_verb(train, *small, "--schedule=continuous_eval", flag)
        assert code == 1 and flag.split("=")[0] in err
    code, _, err = run_verb(evaluate, *small, "--schedule=continuous_eval", "--checkpoint=2")
    assert code == 1 and "--checkpoint=2: it is for --schedule=once" in err


def test_an_evaluation_without_any_value_fails(run_verb, small, trained):
    code, out, err = run_verb(evaluate, *small, "--gin_bindings=evaluate.num_samples = 1")
    assert code == 1 and "none of 6 scores has a value" in err
    assert out.count("failed:") == 6


def test_continuous_evaluation_ends_when_training_is_done(run_verb, small, trained):
    assert run_verb(train, *small, "--schedule=continuous_eval")[0] == 0
    rows = (trained / "scores.jsonl").read_text().splitlines()
    code, out, _ = run_verb(evaluate, small[1], "--schedule=continuous_eval")
    assert code == 0
    assert len([line for line in out.splitlines() if line.startswith("step ")]) == len(rows) == 6


def test_every_strategy_that_the_flag_takes_is_known():
    from compare_gan_tf.gan import distribution

    assert train.STRATEGIES == distribution.STRATEGIES


def test_free_parameters_of_a_run_have_the_names_that_gin_writes():
    old = "train.training_steps = 1\nevaluate.batch_size = 1\ntrain.seed = 0"
    new = "train.training_steps = 2\nevaluate.batch_size = 2\ntrain.seed = 0"
    assert config.differing_lines(old, new, training.FREE) == []


def test_in_a_process_of_its_own_an_error_is_all_that_stderr_says(small):
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "train", *small]
    command += ["--gin_bindings=GAN.dsteps = 2"]
    environment = {name: value for name, value in os.environ.items() if "TF_CPP" not in name}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert "did you mean d_steps or g_steps?" in done.stderr


@pytest.mark.parametrize(
    "name", ["logs/train.jsonl", "checkpoints/checkpoint", "checkpoints/ckpt-4.index"]
)
@pytest.mark.parametrize("verb", [train, evaluate, export, report])
def test_no_verb_waits_for_a_pipe_in_a_runs_folder(run_verb, trained, tmp_path, name, verb):
    folder = trained
    (folder / name).unlink()
    os.mkfifo(folder / name)
    code, _, err = run_verb(verb, f"--model_dir={folder}")
    assert code == 1 and err.count("\n") == 1
    assert f"{name} is neither a file nor a folder: remove it" in err


def test_a_run_made_in_python_has_no_config_to_read(run_verb, trained, tmp_path):
    folder = trained
    (folder / "config.gin").unlink()
    code, _, err = run_verb(report, f"--model_dir={folder}")
    assert code == 1 and "the run was made in Python" in err


@pytest.mark.parametrize(("verb", "part"), [(export, "hub"), (report, "report")])
def test_modules_and_pages_are_not_written_through_a_link(run_verb, trained, tmp_path, verb, part):
    folder = trained
    (tmp_path / "elsewhere").mkdir()
    (folder / part).symlink_to(tmp_path / "elsewhere")
    code, _, err = run_verb(verb, f"--model_dir={folder}")
    assert code == 1 and f"{part} is a link to" in err
    assert os.listdir(tmp_path / "elsewhere") == []


def test_a_config_that_means_itself_is_one_line(run_verb, trained, tmp_path):
    folder = trained
    own = "--gin_bindings=GAN.objectives = [@GAN()]"
    code, _, err = run_verb(export, f"--model_dir={folder}", own)
    assert code == 1 and err.count("\n") == 1
    assert "must be made before it is made" in err


@pytest.mark.slow
def test_later_verbs_say_that_the_data_changed(run_verb, small_config, tmp_path, caplog):
    images = tmp_path / "images"
    for label in "ab":
        (images / label).mkdir(parents=True)
        for index in range(10):
            pixels = np.full((8, 8, 3), 20 * index, np.uint8)
            Image.fromarray(pixels).save(images / label / f"{index}.png")
    config_ = tmp_path / "own.gin"
    config_.write_text(
        small_config.replace('"digits"', f"'folder:{images}'") + "GAN.conditional = True"
    )
    folder = f"--model_dir={tmp_path / 'run'}"
    assert run_verb(train, f"--gin_config={config_}", folder)[0] == 0
    shutil.copytree(images / "a", images / "c")
    code, _, err = run_verb(export, folder)
    assert code == 1 and "its number of classes was 2 and is now 3" in err
    shutil.rmtree(images / "c")
    (images / "a" / "0.png").unlink()
    assert run_verb(export, folder)[0] == 0
    assert "samples and now has" in caplog.text
    raw = "--extractor=raw_features"
    code, _, err = run_verb(evaluate, folder, raw)  # of splits that are drawn anew
    assert code == 1 and "or --allow_data_change to go on" in err
    assert not (tmp_path / "run/scores.jsonl").exists()
    assert run_verb(evaluate, folder, raw, "--allow_data_change")[0] == 0
