import gin
import networks
import numpy as np
import pytest

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics import (
    encoders,
    extractors,
    image_networks,
    inception,
    resize,
    scalings,
    untrained,
)
from compare_gan_tf.metrics.extractors import callable_features, model_file

pytestmark = pytest.mark.usefixtures("trusting")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    networks.keras_model().save(folder / "tiny.keras")
    networks.write_onnx(folder / "tiny.onnx")
    networks.write_onnx(folder / "fours.onnx", batch=4)
    networks.write_onnx(folder / "tokens.onnx", tokens=True)
    return folder


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(3).integers(0, 256, [70, 20, 30, 3], np.uint8)


def make(folder, name="tiny.keras", **options):
    defaults = {"scaling": scalings.unit_scaling(), "features": "pooled", "logits": "scores"}
    return model_file(folder / name, **(defaults | options))


def test_images_are_resized_and_scaled(folder, images):
    extractor = make(folder, rule=resize.tf1_bilinear)
    found = extractor(images)
    inputs = resize.Resize(size=networks.SIZE, rule=resize.tf1_bilinear)(images) / 255.0
    features, logits = networks.expected(inputs)
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)
    assert found.features.dtype == found.logits.dtype == np.float32


def test_an_extractor_says_what_it_is(folder):
    extractor = make(folder, quantise=True, crop=True)
    assert extractor.name == "tiny"
    assert len(extractor.weights_sha256) == 64
    assert extractor.resize == "antialiased_bicubic-12-crop-8bit"
    assert extractor.scaling == "x/255"
    np.testing.assert_array_equal(extractor.logit_bias, networks.BIAS)
    assert make(folder, name="tiny.onnx", size=12).logit_bias is None


@pytest.mark.parametrize("name", ["tiny.keras", "tiny.onnx", "fours.onnx"])
@pytest.mark.parametrize("size", [1, 3, 33])
def test_batches_do_not_matter(folder, images, name, size):
    """Also of a network that takes four images at once, neither more nor less."""
    extractor = make(folder, name, size=networks.SIZE)
    whole = extractor(images[:40])
    parts = [extractor(images[start : min(start + size, 40)]) for start in range(0, 40, size)]
    for field in ("features", "logits"):
        joined = np.concatenate([getattr(part, field) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, field), rtol=1e-5, atol=1e-5)


def test_grey_images_are_equal_colours(folder, images):
    extractor = make(folder)
    grey = images[:3, :, :, :1]
    found = extractor(grey).features
    np.testing.assert_array_equal(found, extractor(np.repeat(grey, 3, axis=3)).features)


def test_samples_that_do_not_fit_are_the_users_to_cure(folder):
    extractor = make(folder)
    extractor.check((8, 8, 1))
    extractor.check((64, 32, 3))
    for shape in ((2,), (8, 8, 4)):
        with pytest.raises(UserError, match=r"tiny takes images of 1 or 3.*@raw_features"):
            extractor.check(shape)


def test_only_uint8_images_are_taken(folder):
    with pytest.raises(ValueError, match="uint8.*float32"):
        make(folder)(np.zeros([2, 8, 8, 3], np.float32))


def test_what_is_not_bound_is_named(folder):
    with pytest.raises(UserError, match="model_file.path is not given"):
        model_file()
    with pytest.raises(UserError, match="model_file.scaling is not given.*@unit_scaling"):
        model_file(folder / "tiny.keras")
    with pytest.raises(UserError, match="model_file.size is not given"):
        make(folder, "tiny.onnx")
    with pytest.raises(UserError, match=r"tiny takes images of \(12, 12\) pixels, not 16"):
        make(folder, size=16)


def test_gin_binds_all_of_it(folder, images, no_bindings):
    gin.parse_config(
        f"""
        model_file.path = "{folder / "tiny.onnx"}"
        model_file.scaling = @Scaling()
        Scaling.mean = 10.0
        model_file.size = 12
        model_file.rule = @half_pixel_bilinear
        model_file.features = "pooled"
        model_file.name = "mine"
        """
    )
    extractor = gin.get_configurable("model_file")()
    assert extractor.name == "mine"
    assert extractor.resize == "half_pixel_bilinear-12"
    assert extractor.scaling == "(x-10)"
    assert extractor(images[:2]).logits is None


def test_all_are_known_to_gin():
    for module, names in {
        extractors: ("model_file", "callable_features"),
        image_networks: ("keras_resnet50", "keras_inception_v3"),
        encoders: (*ENCODERS,),
        inception: ("inception_2015",),
        untrained: ("untrained_network",),
    }.items():
        for name in names:
            assert gin.get_configurable(f"features.{name}").__module__ == module.__name__


# --- Functions -------------------------------------------------------------------------------


def means(samples):
    return samples.mean(axis=(1, 2))


def test_any_function_is_an_extractor(images):
    extractor = callable_features(means)
    assert extractor.name == "means"
    assert extractor.weights_sha256 is None
    found = extractor(images)
    assert found.features.shape == (70, 3)
    assert found.features.dtype == np.float32
    assert found.logits is None
    extractor.check((1, 2, 3))


def test_a_function_may_return_logits_too(images):
    extractor = callable_features(lambda x: (means(x), -means(x)), name="both")
    found = extractor(images)
    np.testing.assert_array_equal(found.logits, -found.features)


@pytest.mark.parametrize("result", [np.zeros([3, 2]), np.array(1.0), np.array(["a"] * 70)])
def test_a_function_that_loses_rows_is_named(images, result):
    with pytest.raises(UserError, match="extractor wrong made .* of 70 samples"):
        callable_features(lambda x: result, name="wrong")(images)


def test_a_function_needs_to_be_one_and_to_have_a_name():
    with pytest.raises(UserError, match="callable_features.function is not given"):
        callable_features()
    with pytest.raises(UserError, match="callable_features.function is 3: it must be a function"):
        callable_features(3)
    with pytest.raises(UserError, match="callable_features.name is not given"):
        callable_features(lambda x: x)


# --- Encoders --------------------------------------------------------------------------------


def test_dinov2_takes_the_class_token_of_resized_and_normalised_images(folder, images):
    extractor = encoders.dinov2_vitl14(folder / "tokens.onnx", features="last_hidden_state")
    found = extractor(images[:3])
    resized = resize.Resize(size=224, rule=resize.antialiased_bicubic, quantise=True)
    inputs = scalings.imagenet_scaling()(resized(images[:3]))
    np.testing.assert_allclose(found.features, networks.expected(inputs)[0], atol=1e-4)
    assert extractor.resize == "antialiased_bicubic-224-8bit"
    floats = encoders.dinov2_vitl14(folder / "tokens.onnx", quantise=False)
    assert floats.resize == "antialiased_bicubic-224-unclipped"


def test_clip_crops_the_middle(folder, images):
    extractor = encoders.clip_vitb32(folder / "tiny.onnx", features="pooled")
    assert extractor.resize == "antialiased_bicubic-224-crop-8bit"
    middle = np.zeros([1, 224, 448, 3], np.uint8)
    middle[:, :, 112:336] = images[:1, :1, :1]
    plain = np.broadcast_to(images[:1, :1, :1], [1, 224, 224, 3])
    np.testing.assert_allclose(extractor(middle).features, extractor(plain).features, rtol=1e-5)


# {extractor: (file, output, name and resize in the protocol, scaling)}
ENCODERS = {
    "dinov2_vits14": (
        "tokens.onnx",
        "last_hidden_state",
        "dinov2-vits14",
        "antialiased_bicubic-224-8bit",
        scalings.imagenet_scaling,
    ),
    "dinov2_vitb14": (
        "tokens.onnx",
        "last_hidden_state",
        "dinov2-vitb14",
        "antialiased_bicubic-224-8bit",
        scalings.imagenet_scaling,
    ),
    "dinov2_vitl14": (
        "tokens.onnx",
        "last_hidden_state",
        "dinov2-vitl14",
        "antialiased_bicubic-224-8bit",
        scalings.imagenet_scaling,
    ),
    "clip_vitb32": (
        "tiny.onnx",
        "pooled",
        "clip-vitb32",
        "antialiased_bicubic-224-crop-8bit",
        scalings.clip_scaling,
    ),
    "clip_vitl14_336": (
        "tiny.onnx",
        "pooled",
        "clip-vitl14-336",
        "antialiased_bicubic-336-crop-8bit",
        scalings.clip_scaling,
    ),
    "swav_resnet50": (
        "tiny.onnx",
        "pooled",
        "swav-resnet50",
        "antialiased_bilinear-224-crop-8bit",
        scalings.imagenet_scaling,
    ),
}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_encoder_has_the_preprocessing_of_its_authors(folder, images, encoder):
    file, output, name, resized, scaling = ENCODERS[encoder]
    extractor = getattr(encoders, encoder)(folder / file, features=output)
    assert extractor.name == name
    assert extractor.resize == resized
    assert extractor.scaling == scaling().formula
    kind, size = resized.split("-")[:2]
    how = resize.Resize(
        size=int(size), rule=getattr(resize, kind), crop="crop" in resized, quantise=True
    )
    expected = networks.expected(scaling()(how(images[:2])))[0]
    np.testing.assert_allclose(extractor(images[:2]).features, expected, atol=1e-4)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_an_encoder_that_is_not_there_says_what_to_put_where(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("COMPARE_GAN_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=f"{tmp_path}/{encoder}.onnx.*export.*put it there"):
        getattr(encoders, encoder)()
