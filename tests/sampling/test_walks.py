"""Interpolations, truncation sheets and films."""

import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from compare_gan_tf import pretrained, sampling
from compare_gan_tf.data.images import encode_png
from compare_gan_tf.errors import UserError
from compare_gan_tf.latents import Normal, Uniform
from compare_gan_tf.sampling import sources, walks


@pytest.fixture(scope="module")
def digits():
    return sampling.of_pretrained(pretrained.load("digits"))


def drawn(source, number, **options):
    wanted = sampling.wanted(source, number, **options)
    blocks = list(sources.batches(source, wanted))
    return np.concatenate([made for made, _ in blocks]), np.concatenate([ls for _, ls in blocks])


def test_normal_latents_stay_on_their_sphere():
    start, end = np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    found = walks.between(Normal(2), start, end, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(found, [[2, 0], [2**0.5, 2**0.5], [0, 2]], atol=1e-6)


def test_uniform_latents_go_straight_and_so_do_parallel_ones():
    start, end = np.array([2.0, 0.0], np.float32), np.array([0.0, 2.0], np.float32)
    np.testing.assert_allclose(walks.between(Uniform(2), start, end, np.array([0.5])), [[1, 1]])
    found = walks.between(Normal(2), start, 2 * start, np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(found[:, 0], [2, 3, 4])


def test_a_row_leads_from_one_sample_to_another_of_its_class(digits):
    rows = sampling.interpolated(digits, 5)
    images, labels = drawn(rows, 15, seed=3)
    assert labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    ends = digits.make(24, (0, 3), 0.0, np.repeat(np.arange(12), 2) % 10)
    for row in range(3):
        np.testing.assert_array_equal(images[5 * row], ends[2 * row])
        np.testing.assert_array_equal(images[5 * row + 4], ends[2 * row + 1])
        assert len({image.tobytes() for image in images[5 * row : 5 * row + 5]}) == 5


def test_the_first_rows_do_not_depend_on_the_number(digits):
    rows = sampling.interpolated(digits, 40)  # a block has one row
    many, _ = drawn(rows, 120)
    np.testing.assert_array_equal(drawn(rows, 50)[0], many[:50])
    assert not np.array_equal(many[:40], many[40:80])


def test_a_row_has_one_sample_under_each_truncation(digits):
    sheet = sampling.truncated(digits, (0.2, 1.0, 0.0))
    images, labels = drawn(sheet, 9, classes=["4", "7"])
    assert labels.tolist() == [4, 4, 4, 7, 7, 7, 4, 4, 4]
    plain = [digits.make(21, (0, 0), limit, np.arange(21) % 2 * 3 + 4) for limit in (0.2, 1.0, 0.0)]
    for row in range(3):
        for column in range(3):
            np.testing.assert_array_equal(images[3 * row + column], plain[column][row])


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_film_visits_the_samples_and_comes_back(digits, tmp_path, kind):
    path = tmp_path / f"film.{kind}"
    loop = sampling.looping(digits, 3, 4)
    said = sampling.write(loop, sampling.wanted(loop, 12, seed=1), str(path), kind)
    assert said == "a film of 12 frames of the model digits"
    film = Image.open(path)
    assert film.n_frames == 12 and film.size == (256, 256) and film.info["loop"] == 0
    stops = digits.make(3, (0, 1), 0.0, np.arange(3))
    for stop in range(3):
        film.seek(4 * stop)
        frame = np.asarray(film.convert("L"))[16::32, 16::32]
        assert np.abs(frame.astype(int) - stops[stop, ..., 0]).max() <= 2


def test_a_film_as_mp4_has_the_same_frames(digits, tmp_path):
    path = tmp_path / "film.mp4"
    loop = sampling.looping(digits, 3, 4)
    sampling.write(loop, sampling.wanted(loop, 12, seed=1), str(path), "mp4")
    told, *frames = imageio_ffmpeg.read_frames(str(path))
    assert len(frames) == 12 and told["size"] == (256, 256) and told["codec"] == "h264"
    assert told["fps"] == pytest.approx(1000 / 60, abs=0.01)
    stops = digits.make(3, (0, 1), 0.0, np.arange(3))
    for stop in range(3):
        frame = np.frombuffer(frames[4 * stop], np.uint8).reshape(256, 256, 3)[16::32, 16::32, 1]
        assert np.abs(frame.astype(int) - stops[stop, ..., 0]).max() <= 16  # it compresses


def test_the_last_grid_of_a_training_stays_in_an_mp4_of_odd_sides(tmp_path):
    path, shades = tmp_path / "film.mp4", (0, 128, 255)
    grids = [(step, encode_png(np.full((31, 45, 3), shades[step], np.uint8))) for step in range(3)]
    sampling.film_of_grids(grids, str(path), "mp4")
    told, *frames = imageio_ffmpeg.read_frames(str(path))
    assert told["size"] == (46, 52) and told["fps"] == 4  # H.264 takes even sides
    assert len(frames) == 2 + 8  # 250 ms each, and the last one 2 s
    assert [frame[3 * 46 * 40 + 60] // 100 for frame in frames] == [0, 1] + 8 * [2]


def test_without_ffmpeg_an_mp4_is_refused_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"pip install 'compare_gan_tf\[video\]', or let --output"):
        sampling.film_of_grids([], str(tmp_path / "film.mp4"), "mp4")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_filmed_is_told_before_anything_is_drawn(digits, tmp_path):
    film = str(tmp_path / "a.gif")
    with pytest.raises(UserError, match=r"4,800 frames is too long: at most 2,000"):
        sampling.write(digits, sampling.wanted(digits, 4800), film, "gif")
    with pytest.raises(UserError, match=r"--columns=3 is for a grid"):
        sampling.write(digits, sampling.wanted(digits, 4), film, "gif", columns=3)
    module = sources.Source("the module m", None, (8, 8, 1), "images")
    with pytest.raises(UserError, match="needs the latents of the module m"):
        sampling.interpolated(module, 3)
    with pytest.raises(UserError, match="needs the latents of the module m"):
        sampling.looping(module, 3, 4)
    points = sources.Source("p", None, (2,), "points", draws=object())
    with pytest.raises(UserError, match="are points, which are not written as gif"):
        sampling.write(points, sources.Wanted(1), film, "gif")
    assert list(tmp_path.iterdir()) == []
