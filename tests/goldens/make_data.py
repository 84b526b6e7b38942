"""Writes data.json: SplitMix64 by its definition, and facts that the data sets publish."""

from writing import write

SOURCE = (
    "SplitMix64 (Steele et al., 2014) in Python's whole numbers; the outputs for seed 1234567 are "
    "those that rosettacode.org lists, 'Pseudo-random numbers/Splitmix64'. Counts of images in "
    "each "
    "split: the catalogue of TensorFlow Datasets and the pages of the sets. evaluated: the "
    "protocols of "
    "docs/data.md. Means: over all training pixels in [0, 1], as published with the sets "
    "(yann.lecun.com "
    "normalisation .1307, zalandoresearch/fashion-mnist .2860, CIFAR-10 .4914 .4822 .4465), with "
    "more digits from the original files. Classes: counts of the original files' training labels."
)
SEED = 1234567
LISTED = 6457827717110365317  # the first output, by rosettacode.org
COUNTS = {
    "mnist": {"train": 60000, "test": 10000},
    "fashion_mnist": {"train": 60000, "test": 10000},
    "kmnist": {"train": 60000, "test": 10000},
    "cifar10": {"train": 50000, "test": 10000},
    "cifar100": {"train": 50000, "test": 10000},
    "svhn_cropped": {"train": 73257, "test": 26032, "extra": 531131},
    "stl10": {"train": 5000, "test": 8000, "unlabelled": 100000},
    "celeb_a": {"train": 162770, "validation": 19867, "test": 19962},
    "celeb_a_hq/128": {"train": 30000},
    "celeb_a_hq/256": {"train": 30000},
    "imagenet2012": {"train": 1281167, "validation": 50000, "test": 100000},
    "oxford_flowers102": {"train": 1020, "validation": 1020, "test": 6149},
}
EVALUATED = {
    10000: ("mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100", "celeb_a", "celeb_a_128"),
    3000: ("celeb_a_hq_128", "celeb_a_hq_256"),
    50000: ("imagenet_64", "imagenet_128", "imagenet_256", "imagenet_512"),
    26032: ("svhn_cropped",),
    8000: ("stl10",),
}
MEANS = {"mnist": [0.1306605], "fashion_mnist": [0.2860406], "cifar10": [0.4914, 0.4822, 0.4465]}
MNIST = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def splitmix64(seed: int, number: int) -> list[int]:
    found, mask = [], 2**64 - 1
    for _ in range(number):
        seed = seed + 0x9E3779B97F4A7C15 & mask
        z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        found.append(z ^ z >> 31)
    return found


def made() -> dict:
    outputs = splitmix64(SEED, 5)
    assert outputs[0] == LISTED
    classes = {"mnist": MNIST, "fashion_mnist": [6000] * 10, "cifar10": [5000] * 10}
    assert all(sum(count) == COUNTS[name]["train"] for name, count in classes.items())
    return {
        "source": SOURCE,
        "splitmix64": {"seed": SEED, "outputs": [str(output) for output in outputs]},
        "counts": COUNTS,
        "evaluated": {name: number for number, names in EVALUATED.items() for name in names},
        "means": MEANS,
        "classes": classes,
    }


if __name__ == "__main__":
    write(__file__, made())
