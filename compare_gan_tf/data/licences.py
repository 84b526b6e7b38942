"""Under which terms public data sets may be used, for the cards of models trained on them."""

# {name of a data set of this package: (licence as its authors state it, where from)}
_LICENCES = {
    "digits": ("CC BY 4.0", "https://doi.org/10.24432/C50P49"),
    "mnist": ("CC BY-SA 3.0", "http://yann.lecun.com/exdb/mnist"),
    "fashion_mnist": ("MIT", "https://github.com/zalandoresearch/fashion-mnist"),
    "kmnist": ("CC BY-SA 4.0", "http://codh.rois.ac.jp/kmnist"),
    "cifar10": ("none stated", "https://www.cs.toronto.edu/~kriz/cifar.html"),
    "cifar100": ("none stated", "https://www.cs.toronto.edu/~kriz/cifar.html"),
    "svhn_cropped": ("non-commercial use", "http://ufldl.stanford.edu/housenumbers"),
    "stl10": ("none stated", "https://cs.stanford.edu/~acoates/stl10"),
    "celeb_a": ("non-commercial research", "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"),
    "imagenet_128": ("non-commercial research", "https://image-net.org/download"),
}


def of(name: str) -> tuple[str, str] | None:
    """(licence, address) of a data set, as its authors state it; None where we do not know it."""
    return _LICENCES.get(name)
