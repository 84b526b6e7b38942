"""Stacked MNIST: three digits as the three channels, so that there are 1,000 modes to cover.

Metz et al., Unrolled generative adversarial networks (2017). The label of an image is the number
that its channels spell, 100 red + 10 green + blue.
"""

import numpy as np

from compare_gan_tf.data.split import Dataset, Split

NUM_CLASSES = 1000
_SEED = 20161107


def stack(digits: Dataset) -> Dataset:
    """Stacks the digits of MNIST, those of a split with others of the same split.

    Each channel shows every digit of the split once.
    """
    splits = {
        name: _stacked(split, number) for number, (name, split) in enumerate(digits.splits.items())
    }
    return Dataset("stacked_mnist", splits, NUM_CLASSES)


def _stacked(split: Split, number: int) -> Split:
    rng = np.random.default_rng([_SEED, number])
    orders = [rng.permutation(len(split)) for _ in range(3)]
    images = np.asarray(split.images[:])
    labels = sum(
        scale * split.labels[order] for scale, order in zip((100, 10, 1), orders, strict=True)
    )
    channels = [images[order] for order in orders]
    return Split(np.concatenate(channels, axis=-1), labels.astype(np.int32))
