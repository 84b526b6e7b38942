"""The real samples that are nearest to given samples, in the space of an extractor's features."""

import numpy as np

from compare_gan_tf.evaluation import extractors, openings
from compare_gan_tf.metrics import presets, registry
from compare_gan_tf.metrics.nearest import neighbours, share_space
from compare_gan_tf.metrics.rows import Rows

_BATCH = 250


class NearestReals:
    """Finds the nearest samples of a split, which are sent through the extractor once.

    Args:
      dataset: a data set of images.
      split: its name, such as "train".
      extractor: as `evaluate.extractor`; None for the default of the data.

    Raises:
      UserError: the extractor takes no such images.
    """

    def __init__(self, dataset, split: str = "train", extractor=None):
        self._images = dataset.splits[split].images
        self._extractor = extractors.choose(
            extractor,
            presets.plain(),
            (registry.find("fid")(),),
            tuple(dataset.sample_shape),
            openings.images_of(dataset),
        )
        self._features = Rows()
        for start in range(0, len(self._images), _BATCH):
            stop = min(start + _BATCH, len(self._images))
            self._features.append(self._extractor(self._images[np.arange(start, stop)])[0])

    def __call__(self, images: np.ndarray, number: int) -> np.ndarray:
        """uint8 [n, number, H, W, C], the nearest first, of images uint8 [n, H, W, C]."""
        features = Rows.of(self._extractor(images)[0])
        points, queries = share_space(self._features, features)
        found = neighbours(queries, points, number).near_index[:, :number]
        return self._images[found.reshape(-1)].reshape(len(images), number, *images.shape[1:])
