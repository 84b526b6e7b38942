"""What is chosen for which images, as numbers; the facts of R3GAN are of its published presets."""

import numpy as np
import pytest

from compare_gan_tf import recipes
from compare_gan_tf.data.broken_files import Problem
from compare_gan_tf.data.surveys import Survey
from compare_gan_tf.errors import UserError
from compare_gan_tf.recipes import networks


def _survey(*sides, number=300, **facts) -> Survey:
    """A survey of `number` images, whose (height, width) are those of `sides` in turn."""
    sizes = np.array([sides[i % len(sides)] for i in range(number)], np.int32)
    return Survey("folder:/photos", sizes, **{"grey": 0, **facts})


def _bindings(*sides, survey=None, **choice) -> list[str]:
    parts = recipes.choose(survey or _survey(*sides), **choice)
    return [line for part in parts for line in part.bindings]


def _reason(title: str, *sides, survey=None, **choice) -> str:
    parts = recipes.choose(survey or _survey(*sides), **choice)
    return next(part.reason for part in parts if part.title == title)


@pytest.mark.parametrize(
    ("side", "device", "preset", "chosen"),
    [
        (4, "CPU", "fast", None),
        (28, "CPU", "fast", None),
        (31, "CPU", "fast", None),
        (32, "CPU", "fast", None),
        (48, "CPU", "fast", 32),
        (48, "CPU", "quality", None),
        (100, "CPU", "quality", 64),
        (96, "GPU", "quality", 64),
        (28, "GPU", "fast", None),
        (48, "GPU", "fast", None),
        (1000, "GPU", "quality", 128),
    ],
)
def test_the_size_by_that_of_the_images(side, device, preset, chosen):
    lines = _bindings((side, side), device=device, preset=preset)
    expected = [] if chosen is None else [f"data.load.image_size = {chosen}"]
    assert [line for line in lines if "image_size" in line] == expected


def test_one_small_image_in_twenty_is_enlarged_and_not_the_measure():
    sides = [(64, 64)] * 19 + [(10, 12)]
    assert "data.load.image_size = 32" in _bindings(*sides)
    assert "15 smaller ones are enlarged" in _reason("size", *sides)
    assert "data.load.image_size = 16" in _bindings((64, 64), (16, 20))


def test_what_is_not_square_is_cut_and_the_line_says_how_to_pad():
    assert "@padded" in _reason("size", (80, 64))
    assert "@padded" not in _reason("size", (80, 80))


def test_images_of_three_pixels_are_too_small():
    with pytest.raises(UserError, match="the shortest side is 3 px; .*image_size = 8"):
        _bindings((3, 3))
    assert "data.load.image_size = 8" in _bindings((3, 3), image_size=8)


@pytest.mark.parametrize(
    ("side", "gamma"),
    [(8, 0.05), (32, 0.05), (64, 2.0), (128, 300**0.5), (256, 150.0), (512, 150.0)],
)
def test_gamma_is_published_or_the_geometric_mean_between(side, gamma):
    assert networks.gamma(side) == pytest.approx(gamma, rel=1e-12)


def test_a_gpu_trains_r3gan_by_the_published_gamma():
    lines = _bindings((64, 64), device="GPU")
    assert 'include "base/r3gan.gin"' in lines
    assert "half_gamma/cosine_decay.start = 1.0" in lines  # r3gan/ffhq64.gin
    assert "half_gamma/cosine_decay.end = 0.1" in lines
    assert "p/cosine_decay.end = 0.6" in lines
    many = _survey((64, 64), number=70_000)
    assert "p/cosine_decay.end = 0.3" in _bindings(survey=many, device="GPU")
    assert 'include "base/sndcgan.gin"' in _bindings((48, 48), device="GPU")


@pytest.mark.parametrize(("number", "augmented"), [(3, True), (320, True), (321, False)])
def test_ada_where_an_image_is_seen_200_times(number, augmented):
    """2,000 steps of 32 images are 64,000."""
    lines = _bindings(survey=_survey((32, 32), number=number))
    assert ("GAN.augment = @ADA()" in lines) == augmented


def test_grey_images_are_not_mirrored():
    assert "data.load.flip = True" in _bindings((32, 32))
    assert "data.load.flip = True" not in _bindings(survey=_survey((32, 32), grey=300))
    mixed = _survey((32, 32), grey=299)
    assert "299 grey images get three equal channels" in _reason("colours", survey=mixed)


@pytest.mark.parametrize(
    ("counts", "asked", "used"),
    [
        ([150, 150], None, True),
        ([150, 150], False, False),
        ([30, 30], None, False),
        ([30, 30], True, True),
        ([300], None, False),
        (None, None, False),
    ],
)
def test_labels_are_used_if_there_are_enough_or_they_are_asked_for(counts, asked, used):
    counts = counts and np.array(counts)
    lines = _bindings(survey=_survey((32, 32), class_counts=counts), labels=asked)
    assert ("GAN.conditional = True" in lines) == used


@pytest.mark.parametrize("counts", [None, [300], [300, 0]])
def test_labels_that_are_not_there_are_refused(counts):
    survey = _survey((32, 32), class_counts=counts and np.array(counts))
    with pytest.raises(UserError, match="^--labels: folder:/photos has no labels of two classes"):
        recipes.choose(survey, labels=True)


def test_broken_files_are_left_out_and_named():
    survey = _survey((32, 32), broken=(Problem("a.png", "not an image"),))
    assert "data.load.broken = @skip_broken" in _bindings(survey=survey)
    assert _reason("broken", survey=survey) == "1 left out: a.png (not an image)"


def test_a_recipe_is_read_back():
    facts = recipes.data_line("folder:/photos", 1_234, 3, 2)
    assert facts == "folder:/photos: 1,234 images, colour, 2 classes"
    text = recipes.as_gin(
        recipes.choose(_survey((32, 32))),
        name='folder:/it\'s "mine"',
        command="compare-gan train --data=x",
        facts=facts,
    )
    assert recipes.read_fields(text) == {"Written by": "compare-gan train --data=x", "Data": facts}
    assert max(map(len, text.splitlines())) <= 100
    assert text.index("include ") < text.index("data.load")  # later bindings win
    assert r"""data.load.name = 'folder:/it\'s "mine"'""" in text
