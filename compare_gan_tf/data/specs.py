"""The public sets the field trains on, as rows of a table; tfds reads them.

"The ancestor" is google/compare_gan, whose crops and evaluation splits are kept, so that its
settings can be repeated. It had no validation split: ours is taken from what it trained on or,
where there is one, is the set's own. `data.load.hold_out = False` gives the images back.
"""

import dataclasses
import functools

from compare_gan_tf.data import resizing


@dataclasses.dataclass(frozen=True)
class Spec:
    """How a set of tfds becomes ours.

    Attributes:
      source: name of the tfds builder and, after a slash, of its config.
      train, validation, test: slices of its splits; `validation` of what is evaluated while
        training, `test` of what is reported, and no image is in two of them.
      size: of the samples unless `data.load.image_size` says otherwise, pixels.
      channels: 1 or 3.
      num_classes: or None: labels are not used.
      crop, resize: see `resizing`.
      min_crop_area: of the random crops in training, see `Augmentation`.
      min_side: training images with a shorter side are left out.
      note: what papers and the ancestor do.
    """

    source: str
    train: str
    validation: str
    test: str
    size: int
    channels: int = 3
    num_classes: int | None = None
    crop: resizing.Crop = resizing.middle_square
    resize: resizing.Resize = resizing.area
    min_crop_area: float = 1.0
    min_side: int = 0
    note: str = ""

    @property
    def all_train(self) -> str:
        """The training split with the validation images in it, if they are from the same split."""
        from_train = self.validation.split("[")[0] == self.train.split("[")[0]
        return f"{self.train}+{self.validation}" if from_train else self.train


_DIGITS = functools.partial(
    Spec,
    train="train[:50000]",
    validation="train[50000:]",
    test="test",
    size=28,
    channels=1,
    num_classes=10,
    note="the ancestor trained on all 60,000 and reported the 10,000 of test",
)
_CIFAR = functools.partial(
    Spec,
    train="train[:45000]",
    validation="train[45000:]",
    test="test",
    size=32,
    note="papers train on all 50,000 (hold_out = False); the ancestor reported the 10,000 of test",
)
_CELEB_A = functools.partial(
    Spec,
    source="celeb_a",
    train="train",
    validation="validation[:10000]",
    test="test[:10000]",
    crop=functools.partial(resizing.central, side=160),
    resize=resizing.legacy_bilinear,
    note="the ancestor's: the central 160 pixels, bilinear as in TensorFlow 1 (aliased), the first"
    " 10,000 images of test",
)
_CELEB_A_HQ = functools.partial(
    Spec,
    train="train[:24000]",
    validation="train[24000:27000]",
    test="train[27000:]",
    note="30,000 images; the ancestor trained on the first 27,000, which hold_out = False does too,"
    " and reported the last 3,000",
)
_IMAGENET = functools.partial(
    Spec,
    source="imagenet2012",
    train="train[:-10000]",
    validation="train[-10000:]",
    test="validation",
    num_classes=1000,
    resize=resizing.legacy_bilinear,
    min_crop_area=0.5,
    note="the ancestor's: training on random squares of at least half the image, the middle square"
    " of the 50,000 of validation reported, bilinear as in TensorFlow 1 (aliased)",
)
IMAGENET_SIZES = (32, 64, 128, 256, 512)

SPECS = {
    "mnist": _DIGITS("mnist"),
    "fashion_mnist": _DIGITS("fashion_mnist"),
    "kmnist": _DIGITS("kmnist"),
    "cifar10": _CIFAR("cifar10", num_classes=10),
    "cifar100": _CIFAR("cifar100", num_classes=100),
    "svhn_cropped": Spec(
        "svhn_cropped",
        train="train[:65000]",
        validation="train[65000:]",
        test="test",
        size=32,
        num_classes=10,
        note="73,257 of train without the 531,131 of extra; 26,032 of test are reported",
    ),
    "stl10": Spec(
        "stl10",
        train="unlabelled[:90000]",
        validation="unlabelled[90000:]",
        test="test",
        size=48,
        note="papers train on the 100,000 unlabelled images at 48 pixels (Miyato et al., 2018)",
    ),
    "celeb_a": _CELEB_A(size=64),
    "celeb_a_128": _CELEB_A(size=128),
    "celeb_a_hq_128": _CELEB_A_HQ("celeb_a_hq/128", size=128),
    "celeb_a_hq_256": _CELEB_A_HQ("celeb_a_hq/256", size=256),
    "oxford_flowers102": Spec(
        "oxford_flowers102",
        train="test",
        validation="validation",
        test="train",
        size=64,
        num_classes=102,
        note="trained on what classification calls test, for it has 6,149 of the 8,189 images",
    ),
    **{f"imagenet_{size}": _IMAGENET(size=size) for size in IMAGENET_SIZES},
    "imagenet_512_hq400": _IMAGENET(
        size=512,
        min_side=400,
        note="the ancestor's: imagenet_512, trained on images whose shorter side is at least 400",
    ),
}
