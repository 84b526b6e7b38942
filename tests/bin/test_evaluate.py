"""`compare-gan evaluate` of two sides, and of a run by several metrics."""

import json
import pathlib

import gin
import numpy as np
import pytest

from compare_gan_tf import data, metrics
from compare_gan_tf.bin import evaluate, train
from compare_gan_tf.config import configurables
from compare_gan_tf.metrics import extractor_names

SMALL = """
data.load.name = "digits"
train.model = @GAN
train.training_steps = 4
train.checkpoint_every = 2
train.batch_size = 8
GAN.generator = @mlp.generator
GAN.discriminator = @mlp.discriminator
GAN.objectives = [@Adversarial()]
GAN.latents = @Normal()
Normal.dim = 4
mlp.generator.units = 8
mlp.discriminator.units = 8
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def images(tmp_path):
    """Path of an .npz with the digits of the validation split."""
    path = tmp_path / "fakes.npz"
    np.savez(path, images=data.load("digits").splits["validation"].images)
    return path


def test_the_flag_names_all_extractors():
    configurables.load()
    named = {*extractor_names.names(), *extractor_names.bound()}
    assert {"inception_2015", "clip_vitb32", "raw_features"} < set(extractor_names.names())
    assert extractor_names.bound() == ["callable_features", "model_file"]
    assert all(gin.get_configurable(f"features.{name}") for name in named)
    sources = [path.read_text() for path in pathlib.Path(metrics.__file__).parent.glob("*.py")]
    registered = [source.count('\n@gin.configurable(module="features"') for source in sources]
    assert sum(registered) == len(named)


def test_two_sides_are_scored_printed_and_written(run_verb, images, tmp_path):
    output = tmp_path / "scores.json"
    sides = ("--real=digits/test", f"--fake={images}", f"--output={output}")
    binding = "--gin_bindings=metrics.PrecisionRecall.k = 4"
    code, out, err = run_verb(evaluate, *sides, "--metrics=fid,precision_recall", binding)
    assert code == 0, err
    content = json.loads(output.read_text())
    rows = {row["metric"]: row for row in content["scores"]}
    assert list(rows) == ["fid", "precision", "recall"] and content["complete"]
    assert rows["recall"]["protocol"]["settings"] == {"k": 4, "strict": False}
    assert content["real"]["name"] == "digits" and content["real"]["split"] == "test"
    assert len(content["fake"]["sha256"]) == 64
    for row, line in zip(rows.values(), out.splitlines()[:3], strict=True):
        assert line.startswith(row["metric"]) and line.endswith(row["protocol_id"])
    warnings = dict.fromkeys(text for row in rows.values() for text in row["warnings"])
    assert [line.split(" (")[0] for line in out.splitlines()[3:]] == [
        f"warning: {text}" for text in warnings
    ]
    before = output.read_text()
    code, again, _ = run_verb(evaluate, *sides, "--metrics=fid,precision_recall", binding)
    assert (code, again) == (0, out)
    assert json.loads(output.read_text()) == json.loads(before)


def test_statistics_are_written_and_serve_as_a_side(run_verb, images, tmp_path):
    path = tmp_path / "stats.npz"
    whole = run_verb(
        evaluate, "--real=digits/test", f"--fake={images}", f"--save_real_statistics={path}"
    )
    assert whole[0] == 0, whole[2]
    again = run_verb(
        evaluate, f"--real={path}", f"--fake={images}", "--extractor=digits_classifier"
    )
    assert again[0] == 0, again[2]
    assert again[1].split()[:2] == whole[1].split()[:2]


def test_a_run_and_its_rival_are_sides(run_verb, tmp_path):
    config = tmp_path / "small.gin"
    config.write_text(SMALL)
    for seed in (0, 1):
        options = (f"--gin_config={config}", f"--gin_bindings=train.seed = {seed}")
        assert run_verb(train, *options, f"--model_dir={tmp_path / str(seed)}")[0] == 0
    output = tmp_path / "scores.json"
    code, out, err = run_verb(
        evaluate, "--real=digits/test", f"--fake={tmp_path / '0'}", f"--against={tmp_path / '1'}",
        "--metrics=fid", f"--output={output}", "--checkpoint=2",
        "--gin_bindings=evaluate.num_samples = 200",
    )  # fmt: skip
    assert code == 0, err
    content = json.loads(output.read_text())
    (row,) = content["scores"]
    assert row["protocol"]["n_fake"] == 200 and row["protocol"]["checkpoint_rule"] == "2"
    (difference,) = content["differences"]
    expected = row["value"] - content["against_scores"][0]["value"]
    assert difference["value"] == pytest.approx(expected, rel=1e-9) and expected != 0
    assert "difference, first minus second:" in out

    code, out, err = run_verb(
        evaluate, f"--model_dir={tmp_path / '0'}", "--metrics=fid,prdc", "--checkpoint=latest",
        "--gin_bindings=Prdc.k = 4",
    )  # fmt: skip
    assert code == 0, err
    assert [line.split()[:3] for line in out.splitlines()[:2]] == [
        ["step", "4", "fid"],
        ["step", "4", "prdc_precision"],
    ]
    assert out.splitlines()[-2].startswith("last, step 4: fid validation ")
    assert out.splitlines()[-1].startswith("floor, real samples in place of fakes: fid validation ")
    code, _, err = run_verb(
        evaluate, f"--model_dir={tmp_path / '0'}", "--metrics=fid", "--gin_bindings=Prdc.k = 3"
    )
    assert code == 1 and "used by nothing: Prdc.k" in err


FEATURES = np.ones((4, 2))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "name the folder of a run by --model_dir, or two sides by --real and --fake"),
        (("--real=digits/test",), "--fake is missing"),
        (
            ("--real=digits/test", "--fake=nothing.npz"),
            "'nothing.npz' is no file, no folder and no data set",
        ),
        (("--real=digit/test", "--fake={npz}"), "did you mean digits?"),
        (("--real=digits/extra", "--fake={npz}"), "no split 'extra', only train, validation, test"),
        (("--real=digits/test", "--fake={npz}", "--metrics=fdi"), "nearest names are fid"),
        (("--real=digits/test", "--fake={npz}", "--preset=clen"), "nearest names are clean"),
        (("--real=digits/test", "--fake={npz}", "--metrics="), "--metrics is empty"),
        (
            ("--real=digits/test", "--fake={npz}", "--extractor=raw"),
            "no extractor 'raw': the nearest names",
        ),
        (("--real=digits/test", "--fake={npz}", "--held_out={npz}"), "(add held_out_gap)"),
        (("--real=digits/test", "--fake={npz}", "--output={folder}"), "is a folder: name a file"),
        (
            ("--real={features}", "--fake={features}", "--extractor=digits_classifier"),
            "evaluate.extractor is set, and no side is made of samples",
        ),
        (
            ("--real=digits/test", "--fake={npz}", "--gin_bindings=evaluate.truncation = 2.0"),
            "evaluate.truncation is set, and no side is a generator",
        ),
        (
            ("--real=digits/test", "--fake={npz}", "--gin_bindings=evaluate.standing = 5"),
            "evaluate.standing is set, and no side is a run",
        ),
        (
            ("--real=digits/test", "--fake={npz}", "--gin_bindings=Prdc.k = 3"),
            "used by nothing: Prdc.k",
        ),
        (
            (
                "--real=digits/test",
                "--fake={npz}",
                "--metrics=prdc",
                "--gin_bindings=metrics.mlp_critic.units = 3",
            ),
            "used by nothing: mlp_critic.units",
        ),
        (("--real=digits/test", "--fake={npz}", "--model_dir=x"), "--model_dir=x: it is for a run"),
        (("--real=digits/test", "--fake={npz}", "--checkpoint=2"), "neither side is one"),
        (
            ("--real=digits/test", "--fake={npz}", "--gin_bindings=evaluate.every = 2"),
            "evaluate.every is for the checkpoints of a run",
        ),
        (
            ("--real=digits/test", "--fake={npz}", "--gin_bindings=Uniform.dim = 2"),
            "used by nothing: Uniform.dim",
        ),
        (("--real=digits/test", "--fake={features}"), "differ in length, 64 and 2"),
        (("--real={large}", "--fake={npz}"), "9 x 9 pixels"),
        (("--real=digits/test", "--fake={npz}", "--metrics=kid"), "none of the scores has a value"),
    ],
)
def test_bad_input_is_one_line_with_code_1(run_verb, images, tmp_path, flags, message):
    np.savez(tmp_path / "features.npz", features=FEATURES)
    np.savez(tmp_path / "large.npz", images=np.zeros((4, 9, 9, 1), np.uint8))
    paths = {name: tmp_path / f"{name}.npz" for name in ("features", "large")}
    paths |= {"npz": images, "folder": tmp_path}
    code, _, err = run_verb(evaluate, *(flag.format(**paths) for flag in flags))
    last = err.splitlines()[-1]  # below a bar, where one was shown
    assert code == 1 and last.startswith("compare-gan evaluate: ") and message in last, err
    assert "Traceback" not in err
