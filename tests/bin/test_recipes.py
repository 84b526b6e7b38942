"""`compare-gan train --data=`: forms of data, what is refused, and going on with a recipe."""

import pathlib
import zipfile

import gin
import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import config, data
from compare_gan_tf.bin import build, command, recipes, train
from compare_gan_tf.errors import UserError
from compare_gan_tf.recipes import as_gin, choose

SHORT = tuple(
    f"--gin_bindings={binding}"
    for binding in (
        "train.training_steps = 10",
        "train.checkpoint_every = 10",
        "train.sample_every = 10",
        "train.log_every = 10",
        "sndcgan.generator.width = 2",
        "sndcgan.discriminator.width = 2",
    )
)


def _picture(path: pathlib.Path, number: int, size=(20, 20), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(256, size=(*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def photos(tmp_path):
    """A function (number, class folders, size, mode) -> folder of pictures."""

    def make(number=12, classes=(), size=(20, 20), mode="RGB"):
        for i in range(number):
            name = f"{classes[i % len(classes)]}/{i}.png" if classes else f"{i}.png"
            _picture(tmp_path / "photos" / name, i, size, mode)
        return tmp_path / "photos"

    return make


@pytest.fixture
def run(run_verb, tmp_path, monkeypatch):
    """Trains with these flags in a folder, without the seconds of a forecast."""
    monkeypatch.setattr(recipes, "_forecast", lambda prepare: "about 1 s")

    def train_(*flags):
        return run_verb(train, f"--model_dir={tmp_path / 'run'}", *flags)

    return train_


def _loaded(tmp_path, *flags):
    """(data set, text of the recipe) that the flags lead to, without a training."""
    argv = ["compare-gan", f"--model_dir={tmp_path / 'run'}", *map(str, flags)]
    values = command.parse_flags(argv, train.define_flags)
    recipe = recipes.find(values)
    build.read_config(values, (), recipe)
    return data.load(), recipe.statements[0]


# --- Forms of data ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK"])
def test_pictures_of_any_mode(photos, tmp_path, no_bindings, mode):
    folder = photos(mode=mode) if mode != "CMYK" else photos()
    if mode == "CMYK":
        for path in folder.glob("*.png"):
            Image.open(path).convert("CMYK").save(path.with_suffix(".jpg"))
            path.unlink()
    loaded, _ = _loaded(tmp_path, f"--data={folder}")
    assert loaded.sample_shape == (20, 20, 1 if mode in "L1" else 3)
    assert {name: len(split) for name, split in loaded.splits.items()} == {
        "train": 10,
        "validation": 1,
        "test": 1,
    }


def test_mixed_sizes_are_cut_and_resized(photos, tmp_path, no_bindings):
    folder = photos()
    _picture(folder / "wide.png", 100, (40, 100))
    loaded, text = _loaded(tmp_path, f"--data=folder:{folder}")
    assert loaded.sample_shape == (16, 16, 3)
    assert "data.load.image_size = 16" in text
    loaded, text = _loaded(tmp_path, f"--data={folder}", "--gin_bindings=data.load.image_size = 48")
    assert loaded.sample_shape == (48, 48, 3)
    assert "data.load.image_size = 48" in text


def test_padding_keeps_all_of_a_picture(tmp_path, no_bindings):
    for number in range(4):
        path = tmp_path / "wide" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((16, 32, 3), 255, np.uint8)).save(path)
    flags = f"--data={tmp_path}/wide", "--gin_bindings=data.load.crop = @padded"
    image = _loaded(tmp_path, *flags)[0].splits["train"].images[0]
    assert image.shape == (16, 16, 3)
    assert (image[:4] == 0).all() and (image[4:12] == 255).all() and (image[12:] == 0).all()


def test_sub_folders_are_classes(photos, tmp_path, no_bindings):
    folder = photos(classes=("cat", "dog"))
    assert "GAN.conditional" not in _loaded(tmp_path, f"--data={folder}")[1]  # 6 images in each
    loaded, text = _loaded(tmp_path, f"--data={folder}", "--labels")
    assert loaded.class_names == ("cat", "dog")
    assert "GAN.conditional = True" in text


def test_images_beside_folders_are_asked_about_and_nolabels_answers(photos, tmp_path, no_bindings):
    folder = photos(classes=("cat", "dog"))
    _picture(folder / "beside.png", 99)
    with pytest.raises(UserError, match="--gin_bindings='folder.class_folders = True'"):
        _loaded(tmp_path, f"--data={folder}")
    loaded, text = _loaded(tmp_path, f"--data={folder}", "--nolabels")
    assert loaded.num_classes is None and sum(map(len, loaded.splits.values())) == 13
    assert "folder.class_folders = False" in text
    flags = f"--data={folder}", "--labels", "--gin_bindings=folder.class_folders = True"
    assert _loaded(tmp_path, *flags)[0].num_classes == 2


def test_a_zip_and_an_npz(photos, tmp_path, no_bindings):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(photos().iterdir()):
            archive.write(path, path.name)
    loaded, text = _loaded(tmp_path, f"--data={tmp_path}/photos.zip")
    assert loaded.name == f"zip:{tmp_path}/photos.zip" and loaded.sample_shape == (20, 20, 3)
    images, labels = np.zeros((120, 12, 10), np.uint8), np.arange(120) % 2
    np.savez(tmp_path / "some.npz", images=images, labels=labels)
    loaded, text = _loaded(tmp_path, f"--data={tmp_path}/some.npz")
    assert loaded.sample_shape == (12, 10, 1) and "image_size" not in text
    assert "GAN.conditional = True" in text  # 60 images in a class


def test_a_public_name(tmp_path, no_bindings):
    loaded, text = _loaded(tmp_path, "--data=digits")
    assert loaded.name == "digits" and "data.load.name = 'digits'" in text


def test_a_public_data_set_tells_its_colours_and_classes():
    found = recipes.surveyed("digits")
    assert (found.number, found.grey, found.channels) == (1797, 1797, 1)
    assert found.class_counts.sum() == 1797 and len(found.class_counts) == 10


def test_three_pictures_are_the_least(photos, tmp_path, no_bindings):
    loaded, text = _loaded(tmp_path, f"--data={photos(3)}")
    assert [len(split) for split in loaded.splits.values()] == [1, 1, 1]
    assert "sees each image about 21,333 times" in " ".join(text.replace("\n# ", " ").split())


def test_a_corrupt_file_is_left_out(photos, tmp_path, no_bindings):
    folder = photos()
    (folder / "3.png").write_bytes(b"none")
    loaded, text = _loaded(tmp_path, f"--data={folder}")
    assert sum(map(len, loaded.splits.values())) == 11
    assert "# Broken: 1 left out: 3.png (not an image)." in text


# --- What is refused --------------------------------------------------------------------------


def _refused(run, tmp_path, message, *flags):
    code, out, err = run(*flags)
    assert code == 1 and out == "", out
    assert len(err.splitlines()) == 1 and message in err, err
    assert not (tmp_path / "run").exists()


def test_what_has_no_images_is_refused_in_one_line(run, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("x")
    _refused(run, tmp_path, "there are no images in the folder", f"--data={tmp_path}/empty")
    _refused(run, tmp_path, "no images: 1 .txt", f"--data={tmp_path}/texts")
    _refused(run, tmp_path, "is one file: name a folder", f"--data={tmp_path}/texts/a.txt")
    _refused(run, tmp_path, "there is no such folder or file", f"--data={tmp_path}/none")
    _refused(run, tmp_path, f"nearest names are {tmp_path}/texts", f"--data={tmp_path}/textes")
    _refused(run, tmp_path, "nearest names are fashion_mnist", "--data=fashion_mnits")
    _refused(run, tmp_path, "says no place: write where it lies", "--data=folder:")
    _refused(run, tmp_path, "recipes are for images", "--data=gaussian")
    _refused(run, tmp_path, "recipes are for images", "--data=sentences")


def test_what_cannot_be_used_is_refused_in_one_line(run, photos, tmp_path):
    one = f"--data={photos(1)}"
    _refused(run, tmp_path, "Add images (3 are the least)", one)
    _refused(run, tmp_path, "--labels: folder:", one, "--labels")
    (tmp_path / "photos" / "0.png").write_bytes(b"none")
    _refused(run, tmp_path, "can be used: 0.png: not an image", one)
    _refused(run, tmp_path, "edit recipe.gin", one, "--gin_config=quickstart.gin")
    _refused(run, tmp_path, "it is for --data", "--preset=quality")
    _refused(run, tmp_path, "it is for --data", "--nolabels")
    inside = f"--model_dir={tmp_path / 'photos' / 'run'}"
    _refused(run, tmp_path, "lies in the folder of the images", one, inside)
    assert not (tmp_path / "photos" / "run").exists()


def test_pictures_of_three_pixels_are_refused(run, photos, tmp_path):
    _refused(run, tmp_path, "the shortest side is 3 px", f"--data={photos(size=(3, 3))}")


# --- A run ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [330, pytest.param(3, marks=pytest.mark.slow)])
def test_the_same_command_goes_on_and_another_is_refused(run, photos, tmp_path, number):
    """Of 330 images none is seen often enough for ADA, with which a step takes long to trace."""
    flags = (f"--data={photos(number, size=(8, 8))}", *SHORT)
    code, out, err = run(*flags)
    assert code == 0, err
    path = tmp_path / "run" / "recipe.gin"
    assert f"{number} images, colour, no classes; 8 x 8 px" in out
    assert f"{path} is the recipe" in out and "time      about 1 s" in out
    assert "train.training_steps = 10; " in out  # by --gin_bindings, which the recipe keeps
    assert path.read_text().rindex("train.training_steps = 10") > path.read_text().rindex("2000")
    path.write_text(path.read_text() + "\n# mine\n")
    written = path.read_text()
    code, out, err = run(*flags)
    assert code == 0 and "is trained to step 10" in out, err
    assert path.read_text() == written and "is the recipe" not in out
    code, out, err = run(*flags, "--preset=quality")
    assert code == 1 and "repeat those flags to go on" in err and len(err.splitlines()) == 1
    path.unlink()
    code, out, err = run(*flags)
    assert code == 1 and "has a run that was not begun by --data" in err


def test_a_changed_folder_is_named_and_the_recipe_kept(run, photos, tmp_path):
    folder = photos(330, size=(8, 8))
    flags = (f"--data={folder}", *SHORT)
    assert run(*flags, "--gin_bindings=Normal.dim = 0")[0] == 1
    assert not (tmp_path / "run").exists()  # nothing is half-written
    text = as_gin(
        choose(recipes.surveyed(f"folder:{folder}")),
        name=f"folder:{folder}",
        command=f"compare-gan train --data=folder:{folder} --preset=fast",
        facts=f"folder:{folder}: 300 images, colour, no classes",
    )
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "recipe.gin").write_text(text)
    code, out, err = run(*flags)
    assert code == 0, err
    assert "was written for other data: then" in out and "300 images" in out
    _picture(folder / "new.png", 9, (8, 8))
    code, out, err = run(*flags, "--gin_bindings=train.training_steps = 20")
    assert code == 1 and "is not the one that the run" in err and len(err.splitlines()) == 1


# --- GPUs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_recipe_of_a_gpu_is_a_config_without_unused_bindings(
    photos, tmp_path, no_bindings, labels
):
    folder = photos(120, ("a", "b"), size=(64, 64))
    name = f"folder:{folder}"
    parts = choose(recipes.surveyed(name), device="GPU", labels=labels)
    (tmp_path / "gpu.gin").write_text(as_gin(parts, name=name, command="", facts=""))
    argv = ["compare-gan", f"--gin_config={tmp_path}/gpu.gin"]
    for player in ("generator", "discriminator"):
        argv.append(f"--gin_bindings=r3gan.{player}.widths = (8, 8, 8, 8, 8)")
    values = command.parse_flags(argv, lambda _: None, False)
    build.read_config(values)
    dataset, gan = build.gan(values)
    assert dataset.sample_shape == (64, 64, 3)
    assert (gan.num_classes == 2) if labels else gan.num_classes is None
    assert config.bound("train", "training_steps") == 10_000
    gin.clear_config()
