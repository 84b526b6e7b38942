"""The verb that writes samples, on runs of a few hundred weights."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from small_config import SMALL

from compare_gan_tf import data
from compare_gan_tf.bin import export, sample, train
from compare_gan_tf.errors import UserError

pytestmark = pytest.mark.usefixtures("in_this_process")

TEXT = """
text.length = 6
GAN.alphabet = @Characters()
GAN.objectives = [@DiscreteBoundarySeeking()]
"""


@pytest.fixture
def trained(run_verb, tmp_path):
    """Returns a function (bindings) -> folder of a run, whose name holds odd characters."""

    def make(*bindings):
        config = tmp_path / "small.gin"
        config.write_text("\n".join([SMALL, *bindings]))
        folder = tmp_path / "a [run]"
        code, _, err = run_verb(train, f"--gin_config={config}", f"--model_dir={folder}")
        assert code == 0, err
        return folder

    return make


def arrays(path):
    with np.load(path) as found:
        return dict(found)


def test_a_conditional_run_and_its_module_give_the_same(run_verb, trained, tmp_path):
    folder = trained("GAN.conditional = True")
    run = f"--model_dir={folder}"
    code, out, err = run_verb(sample, run, f"--output={tmp_path}/grid.png", "--num=20")
    assert (code, err) == (0, "")
    grid = f"{tmp_path}/grid.png: a grid of 20 images of checkpoint 4 of {folder}"
    assert out.startswith(f"{grid}; classes by column: ") and out.count(",") == 9
    assert Image.open(tmp_path / "grid.png").size == (10 * 68 - 4, 2 * 68 - 4)

    few = f"--output={tmp_path}/few.npz"
    assert run_verb(sample, run, few, "--num=7", "--seed=3", "--truncation=0.5")[0] == 0
    assert run_verb(export, run)[0] == 0
    module = f"--module={folder}/hub/4/generator"
    many = f"--output={tmp_path}/many.npz"
    code, out, err = run_verb(sample, module, many, "--num=150", "--seed=3", "--truncation=0.5")
    assert (code, err) == (0, "")
    few, many = arrays(tmp_path / "few.npz"), arrays(tmp_path / "many.npz")
    np.testing.assert_array_equal(many["labels"], np.arange(150) % 10)
    difference = few["images"].astype(int) - many["images"][:7]
    assert np.abs(difference).max() <= 1  # the module's graph may round another last bit

    metadata = json.loads((folder / "hub/4/generator/assets.extra/metadata.json").read_text())
    names = data.load("digits").class_names
    assert metadata["class_names"] == (names and list(names))

    code, out, err = run_verb(
        sample, module, f"--output={tmp_path}/in a folder/", "--num=3", "--classes=7,2"
    )
    assert (code, err) == (0, "")
    assert sorted(os.listdir(tmp_path / "in a folder")) == [
        "0000000_7.png", "0000001_2.png", "0000002_7.png"
    ]  # fmt: skip


def test_another_checkpoint_and_no_labels(run_verb, trained, tmp_path):
    run = f"--model_dir={trained()}"
    for step in (2, 4):
        output = f"--output={tmp_path}/{step}.npz"
        code, out, _ = run_verb(sample, run, output, f"--checkpoint={step}", "--num=5")
        assert code == 0 and f"checkpoint {step} of" in out
    more = f"--output={tmp_path}/more.npz"
    assert run_verb(sample, run, more, "--num=100")[0] == 0
    first, last, more = (arrays(tmp_path / f"{name}.npz") for name in ("2", "4", "more"))
    np.testing.assert_array_equal(more["images"][:5], last["images"])
    assert first.keys() == {"images"} and first["images"].shape == (5, 8, 8, 1)
    assert (first["images"] != last["images"]).any()


@pytest.mark.slow
def test_text_is_lines(run_verb, trained, tmp_path):
    (tmp_path / "lines.txt").write_text("".join(f"line {index}\n" for index in range(60)))
    folder = trained(TEXT, f'data.load.name = "text:{tmp_path}/lines.txt"')
    assert run_verb(export, f"--model_dir={folder}")[0] == 0
    for source, name in ((f"--model_dir={folder}", "run"),
                         (f"--module={folder}/hub/4/generator", "module")):  # fmt: skip
        code, _, err = run_verb(sample, source, f"--output={tmp_path}/{name}.txt", "--num=3")
        assert (code, err) == (0, "")
    lines = (tmp_path / "run.txt").read_text().split("\n")
    assert [len(line) for line in lines] == [6, 6, 6, 0]
    assert set("".join(lines)) <= set("line 0123456789")
    assert (tmp_path / "module.txt").read_text() == (tmp_path / "run.txt").read_text()
    code, _, err = run_verb(sample, f"--model_dir={folder}", f"--output={tmp_path}/text.png")
    assert code == 1 and "are text, which are not written as grid" in err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (
            [],
            "name a model by --model, a run by --model_dir or a module by --module, one of the",
        ),
        (["--model_dir=x", "--module=y", "--output=x.png"], "one of the three"),
        (["--module=x"], "--output is missing"),
        (["--module=x", "--checkpoint=2", "--output=x.png"], "--checkpoint=2: it is for a run"),
        (["--module=x", "--gin_bindings=a.b = 1", "--output=x.png"], "it is for a run"),
        (["--module=x", "--output=x.png", "--num=0"], "--num=0"),
        (["--module=x", "--output=x.png", "--num=-1"], "--num=-1"),
        (["--module=x", "--output=x.png", "--num=1000000000000"], "[1, 10000000]"),
        (["--module=x", "--output=x.png", "--seed=-1"], "--seed=-1"),
        (["--module=x", "--output=x.png", "--truncation=-1"], "--truncation=-1"),
        (["--module=x", "--output=x.png", "--truncation=inf"], "--truncation=inf"),
        (["--module=x", "--output=x.png", "--truncation=nan"], "--truncation=nan"),
        (["--module=x", "--output=x.png", "--columns=0"], "--columns=0"),
        (
            ["--module=x", "--output=x.jpg"],
            "--output=x.jpg must end in .png (a grid), / (a folder of PNG",
        ),
        (["--module=x", "--output=x.png", "--format=gif"], "--format=gif"),
        (["--module=x", "--output=gs://x/y.png"], "local files"),
        (["--module=/nowhere", "--output=x.png"], "cannot load the module /nowhere"),
        (["--model_dir=/nowhere", "--output=x.png"], "there is no /nowhere/config.gin"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(run_verb, arguments, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_verb(sample, *arguments)
    assert (code, out) == (1, "")
    assert err.startswith("compare-gan sample: ") and err.count("\n") == 1
    assert part in err
    assert os.listdir(tmp_path) == []


def test_what_is_there_is_told_before_a_network_is_made(run_verb, tmp_path):
    (tmp_path / "grid.png").write_text("mine")
    code, _, err = run_verb(sample, "--module=/nowhere", f"--output={tmp_path}/grid.png")
    assert code == 1 and "grid.png exists: choose another path, or give --overwrite" in err


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_nothing(run_verb, trained, tmp_path, number, code):
    folder, output = trained(), tmp_path / "samples"
    command = [sys.executable, "-m", "compare_gan_tf.bin.main", "sample", f"--model_dir={folder}"]
    process = subprocess.Popen(
        [*command, f"--output={output}/", "--num=1000000"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's & ignores it
    )
    before = set(os.listdir(tmp_path))
    for _ in range(600):
        time.sleep(0.1)
        if set(os.listdir(tmp_path)) - before:
            break
    process.send_signal(number)
    assert process.wait() == code
    assert set(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, []),
        ("", []),
        ("0,3", ["0", "3"]),
        ("cat, dog", ["cat", "dog"]),
        ('"cat, black",dog', ["cat, black", "dog"]),
        ('"a ""b"", c"', ['a "b", c']),
    ],
)
def test_classes_are_quoted_as_in_csv(text, names):
    class Values:
        classes = text

    assert sample._classes(Values) == names


def test_a_quote_without_its_other_side_is_one_line():
    class Values:
        classes = '"cat'

    with pytest.raises(UserError, match='--classes="cat: .*double quotes has them on both sides'):
        sample._classes(Values)


def test_a_row_has_a_sample_and_its_nearest_training_samples(trained, run_verb, tmp_path):
    """The reals of a row are training images, in ascending distance of pixels from its sample."""
    folder, place = trained("evaluate.extractor = @raw_features()"), tmp_path / "nearest.npz"
    flags = (f"--model_dir={folder}", "--nearest=3", "--num=10", f"--output={place}")
    code, out, err = run_verb(sample, *flags)
    assert code == 0 and "8 images" in out, err  # two whole rows
    images = np.load(place)["images"].reshape(2, 4, 64).astype(float)
    reals = data.load("digits").splits["train"].images.reshape(-1, 64).astype(float)
    for made, *nearest in images:
        distances = np.square(reals - made).sum(axis=1)
        found = [np.square(real - made).sum() for real in nearest]
        assert found == sorted(found) == list(np.sort(distances)[:3])
    first = np.load(place)["images"][::4]
    assert run_verb(sample, *flags[:1], "--num=2", f"--output={tmp_path / 'alone.npz'}")[0] == 0
    assert np.array_equal(first, np.load(tmp_path / "alone.npz")["images"])


def test_a_film_of_the_grids_of_a_training(trained, run_verb, tmp_path):
    folder, place = trained("train.sample_every = 2"), tmp_path / "training.gif"
    flags = (f"--model_dir={folder}", "--training_film", f"--output={place}")
    code, out, err = run_verb(sample, *flags)
    assert (code, out) == (0, f"{place}: a film of 2 grids, of the steps 2 to 4\n"), err
    film = Image.open(place)
    assert film.n_frames == 2 and film.size == (512, 512 + 20)
    frames = []
    for index in range(2):
        film.seek(index)
        frames.append(np.asarray(film.convert("L")))
    assert not np.array_equal(frames[0][20:], frames[1][20:])  # the generator has changed
    code, _, err = run_verb(sample, *flags)
    assert code == 1 and "--overwrite" in err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--model=digits", "--nearest=3"), "is for a run: name its --model_dir"),
        (("--model_dir=run", "--training_film", "--num=3"), "no effect on the grids"),
        (
            ("--model_dir=run", "--training_film", "--output=film.png"),
            "must end in .gif, .webp or .mp4",
        ),
        (("--model_dir=run", "--training_film", "--output=film.gif"), "has no grids of samples"),
    ],
)
def test_films_and_neighbours_that_cannot_be(flags, words, run_verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run_verb(sample, "--output=x.png", *flags)
    assert (code, out) == (1, "") and words in err


def test_a_sampler_lets_the_discriminator_choose(run_verb, tmp_path):
    """Its samples depend on the seed alone and keep their classes; some are drawn anew."""
    files = {name: str(tmp_path / f"{name}.npz") for name in ("plain", "chosen", "again")}
    model = ("--model=digits", "--seed=3")
    rejection = "--sampler=rejection"
    runs = {"plain": ("--num=70",), "chosen": (rejection, "--num=70")}
    for name, flags in (runs | {"again": (rejection, "--num=20")}).items():
        code, _, err = run_verb(sample, *model, *flags, f"--output={files[name]}")
        assert (code, err) == (0, "")
    found = {name: arrays(files[name]) for name in ("plain", "chosen", "again")}
    np.testing.assert_array_equal(found["chosen"]["labels"], found["plain"]["labels"])
    np.testing.assert_array_equal(found["chosen"]["images"][:20], found["again"]["images"])
    kept = np.all(found["chosen"]["images"] == found["plain"]["images"], (1, 2, 3))
    assert 10 < kept.sum() < 60  # those that were taken at once


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--module=somewhere", "--output=a.png"), "needs the discriminator"),
        (("--model=digits", "--output=a.png", "--interpolate=4"), "goes from latent to latent"),
        (("--model=digits", "--output=a.gif"), "a film goes from one to the next"),
    ],
)
def test_a_sampler_that_could_do_nothing_is_refused(run_verb, flags, reason):
    code, out, err = run_verb(sample, "--sampler=rejection", *flags)
    assert code == 1 and out == "" and reason in err
