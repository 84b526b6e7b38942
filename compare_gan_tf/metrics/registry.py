"""The metrics by their names, as `--metrics=fid,kid` has them; imported when they are asked for."""

import difflib
import functools
import importlib
from collections.abc import Iterable

from compare_gan_tf.errors import UserError
from compare_gan_tf.metrics.base import Metric

_PACKAGE = "compare_gan_tf.metrics"

# Name of a metric, and where its class is.
METRICS = {
    "authenticity": "memorisation.Authenticity",
    "bigram_divergence": "bigram_divergence.BigramDivergence",
    "cas": "classification_accuracy.ClassificationAccuracy",
    "discriminator_accuracy": "discriminator_diagnostics.DiscriminatorAccuracy",
    "discriminator_norms": "discriminator_diagnostics.DiscriminatorNorms",
    "duplicates": "memorisation.Duplicates",
    "feature_critic": "independent_critic.FeatureCritic",
    "feature_swd": "sliced_wasserstein.FeatureSlicedWasserstein",
    "fid": "fid.Fid",
    "fid_infinity": "fid_infinity.FidInfinity",
    "fractal_dimension": "fractal_dimension.FractalDimension",
    "gaussian_modes": "mode_count.GaussianModes",
    "gilbo": "gilbo.Gilbo",
    "held_out_gap": "memorisation.HeldOutGap",
    "inception_score": "inception_score.InceptionScore",
    "independent_critic": "independent_critic.IndependentCritic",
    "intra_class_fid": "intra_class.IntraClassFid",
    "jacobian_conditioning": "jacobian_conditioning.JacobianConditioning",
    "kid": "kernel.Kid",
    "kid_blocks": "kernel.KidBlocks",
    "kid_full": "kernel.KidFull",
    "memorised": "memorisation.Memorised",
    "ms_ssim": "ms_ssim.MsSsim",
    "ms_ssim_real": "ms_ssim.MsSsimReal",
    "parzen": "parzen.Parzen",
    "pixel_fractal_dimension": "fractal_dimension.PixelFractalDimension",
    "pixel_parzen": "parzen.PixelParzen",
    "polygon_precision": "polygon_precision_recall.PolygonPrecision",
    "polygon_precision_recall": "polygon_precision_recall.PolygonPrecisionRecall",
    "ppl": "perceptual_path_length.PerceptualPathLength",
    "prd": "prd.Prd",
    "prdc": "prdc.Prdc",
    "precision_recall": "prdc.PrecisionRecall",
    "reconstruction_error": "reconstruction_error.ReconstructionError",
    "stacked_modes": "mode_count.StackedModes",
    "swd": "sliced_wasserstein.SlicedWasserstein",
}


def names() -> list[str]:
    """All names."""
    return sorted(METRICS)


@functools.cache
def find(name: str) -> type[Metric]:
    """The class of a metric.

    Raises:
      UserError: there is none of that name; tells the nearest ones.
    """
    if name not in METRICS:
        nearest = difflib.get_close_matches(name, METRICS, n=3, cutoff=0.5) or names()
        raise UserError(f"no metric {name!r}: the nearest names are {', '.join(nearest)}")
    module, _, attribute = METRICS[name].rpartition(".")
    return getattr(importlib.import_module(f"{_PACKAGE}.{module}"), attribute)


def resolve(metrics: Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Values of metrics from values and names.

    Raises:
      UserError: an unknown name, the same metric with the same settings twice, or none at all.
    """
    found = tuple(find(one)() if isinstance(one, str) else one for one in metrics)
    if not found:
        raise UserError(f"no metrics are asked for: name some of {', '.join(names())}")
    for place, metric in enumerate(found):
        if not callable(metric) or not hasattr(metric, "needs") or isinstance(metric, type):
            raise UserError(f"{metric!r} is no metric: name one of {', '.join(names())}")
        if metric in found[:place]:
            raise UserError(f"the metric {metric.name} is asked for twice with the same settings")
    return found
