"""Every objective once."""

import functools
import inspect

from compare_gan_tf.layers import batch_norm, spectral_norm
from compare_gan_tf.objectives import (
    L2,
    Adversarial,
    BoundarySeeking,
    CategoricalInformation,
    Classification,
    Consistency,
    Contrastive,
    DiscriminativeClassification,
    FeatureMatching,
    GaussianInformation,
    GradientNormaliser,
    GradientPenalty,
    InfoMax,
    LabelPrediction,
    LatentConsistency,
    LatentOptimization,
    LeCam,
    LogitCentring,
    LossSensitive,
    LossSensitiveClassifier,
    MaxGradientPenalty,
    MultiHinge,
    Orthogonal,
    PatchHinge,
    PathLength,
    Reconstruction,
    Relativistic,
    Rotation,
    SlicingAdversarial,
    SpectralPenalty,
    TopK,
    TopKRelativistic,
    TwinClassification,
    WeightClipping,
    boundary_seeking,
    contrastive,
    f_divergences,
    f_gan,
    gradient_penalty,
    kernel_penalty,
    lecam,
    loss_sensitive,
    losses,
    relativistic,
)
from compare_gan_tf.optimizers.schedules import linear_decay
from compare_gan_tf.testing import small_gan

# Every loss of D's logits in `losses`, in its order.
LOSSES = {
    name: found
    for name, found in vars(losses).items()
    if inspect.isfunction(found) and not name.startswith("_")
    if [*inspect.signature(found).parameters][:2] == ["real_logits", "fake_logits"]
}


def _adversarial():
    for name, loss in LOSSES.items():
        yield name, functools.partial(Adversarial, loss, weight=0.3)
    yield "top_k", functools.partial(TopK, fraction=0.6, weight=0.3)
    yield "slicing", functools.partial(SlicingAdversarial, losses.least_squares, weight=0.3)


def _relativistic():
    for compare in (relativistic.paired, relativistic.average):
        for loss in (relativistic.logistic, relativistic.squared, relativistic.margin_hinge):
            name = f"{compare.__name__}_{loss.__name__}"
            yield name, functools.partial(Relativistic, compare, loss, weight=0.2)
    yield "top_k_paired", functools.partial(TopKRelativistic, fraction=0.6, weight=0.2)


def _divergences():
    """Every f-divergence, by its own activation and by the log ratio in turn; the two G forms."""
    values = (
        f_divergences.kl(),
        f_divergences.reverse_kl(),
        f_divergences.pearson(),
        f_divergences.neyman(),
        f_divergences.squared_hellinger(),
        f_divergences.jeffrey(),
        f_divergences.jensen_shannon(),
        f_divergences.weighted_jensen_shannon(0.3),
        f_divergences.gan(),
        f_divergences.alpha(0.5),
        f_divergences.alpha(2.0),
    )
    for index, value in enumerate(values):
        forms = [
            {"logits": f_gan.output_activation, "generator": f_gan.alternative},
            {"logits": f_gan.log_ratio, "generator": f_gan.saddle},
        ][index % 2]
        loss = functools.partial(f_gan.f_gan, divergence=value, **forms)
        yield f"f_gan_{value.name}", functools.partial(Adversarial, loss, weight=0.02)
    variation = functools.partial(f_gan.f_gan, divergence=f_divergences.total_variation())
    yield "f_gan_total_variation", functools.partial(Adversarial, variation, weight=0.02)


def _seeds():
    """Boundary-seeking and loss-sensitive GANs."""
    for distance in (boundary_seeking.squared, boundary_seeking.cross_entropy):
        boundary = functools.partial(BoundarySeeking, distance=distance, weight=0.2)
        yield f"boundary_{distance.__name__}", functools.partial(boundary, log_z_decay=0.9)
    yield "boundary_plain", functools.partial(BoundarySeeking, weight=0.2)
    for margin in (loss_sensitive.l1, loss_sensitive.l2, loss_sensitive.feature_l1):
        settings = {"margin": margin, "slope": 0.1, "margin_scale": 0.1, "real_weight": 0.1}
        name = f"loss_sensitive_{margin.__name__}"
        yield name, functools.partial(LossSensitive, **settings, weight=0.2)
    classifier = functools.partial(LossSensitiveClassifier, margin_scale=0.1, weight=0.2)
    yield "loss_sensitive_classifier", functools.partial(classifier, kernel_norm=spectral_norm)


def _penalties():
    for points in (
        gradient_penalty.between,
        gradient_penalty.around_real,
        gradient_penalty.beside_real,
        gradient_penalty.at_real,
        gradient_penalty.at_fake,
    ):
        yield points.__name__, functools.partial(GradientPenalty, points, weight=0.1)
    r1 = functools.partial(GradientPenalty, gradient_penalty.at_real, target=0.0)
    yield "r1_scheduled", functools.partial(r1, weight=linear_decay(start=0.2, steps=4))
    yield "r1_difference", functools.partial(r1, finite_difference=0.1, weight=0.1)
    yield "max_gradient", functools.partial(MaxGradientPenalty, weight=0.1)
    yield "logit_centring", functools.partial(LogitCentring, weight=0.1)
    yield "lecam", functools.partial(LeCam, start_step=1, weight=0.1)
    excess = functools.partial(LeCam, distance=lecam.squared_excess, decay=0.5, weight=0.1)
    yield "lecam_excess", functools.partial(excess, start_step=0)


def _kernels():
    both = ("discriminator", "generator")
    yield "l2", functools.partial(L2, both, weight=0.01)
    yield "orthogonal", functools.partial(Orthogonal, players=both, weight=0.01)
    classic = functools.partial(Orthogonal, kernel_penalty.from_identity, weight=0.01)
    yield "orthogonal_classic", classic
    yield "spectral_penalty", functools.partial(SpectralPenalty, both, weight=0.01)
    yield "weight_clipping", functools.partial(WeightClipping, 0.4)


def _tasks():
    norm = {"kernel_norm": spectral_norm}
    yield "consistency", functools.partial(Consistency, weight=0.5)
    yield "latent_consistency", functools.partial(LatentConsistency, std=0.1, weight=0.5)
    yield "path_length", functools.partial(PathLength, decay=0.5, weight=0.2)
    yield "feature_matching", functools.partial(FeatureMatching, weight=0.1)
    yield "classification", functools.partial(Classification, **norm)
    yield "twin_classification", functools.partial(TwinClassification, fakes=False, **norm)
    yield "discriminative_classification", functools.partial(DiscriminativeClassification, **norm)
    yield "multi_hinge", functools.partial(MultiHinge, generator_weight=0.5, **norm)
    for contrast in (contrastive.conditional_contrast, contrastive.data_to_data):
        yield contrast.__name__, functools.partial(Contrastive, contrast, units=4, **norm)
    yield "label_prediction", functools.partial(LabelPrediction, weight=0.5)
    yield "patch_hinge", functools.partial(PatchHinge, weight=0.3)
    yield "reconstruction", functools.partial(Reconstruction, width=2, doublings=1, **norm)
    yield "rotation", functools.partial(Rotation, **norm)
    yield "infomax", functools.partial(InfoMax, units=4, weight=0.3, **norm)
    yield "categorical", functools.partial(CategoricalInformation, hidden=4, **norm)
    yield "gaussian", functools.partial(GaussianInformation, hidden=0)


def _lazy():
    """Lazy ones, and two that need scores of samples by themselves."""
    r1 = functools.partial(GradientPenalty, gradient_penalty.at_real, target=0.0, every=2)
    yield "lazy_r1", functools.partial(r1, weight=0.05)
    yield "lazy_difference", functools.partial(r1, weight=0.05, finite_difference=0.1)
    between = functools.partial(GradientPenalty, gradient_penalty.between, every=3)
    yield "lazy_between", functools.partial(between, weight=0.05)
    yield "lazy_consistency", functools.partial(Consistency, every=2, weight=0.1)
    yield "lazy_orthogonal", functools.partial(Orthogonal, every=2, weight=0.01)
    yield "gradient_normaliser", functools.partial(GradientNormaliser, weight=0.3)
    yield "latent_optimization", functools.partial(LatentOptimization, weight=0.3)


GROUPS = {
    "adversarial": dict(_adversarial()),
    "relativistic": dict(_relativistic()),
    "divergences": dict(_divergences()),
    "seeds": dict(_seeds()),
    "penalties": dict(_penalties()),
    "kernels": dict(_kernels()),
    "tasks": dict(_tasks()),
}
LAZY = dict(_lazy())  # they need a D without batch norm
ALL = {name: make for group in (*GROUPS.values(), LAZY) for name, make in group.items()}

# One of each kind, in groups; members of a kind differ only in the formula.
KINDS = {
    "games": (
        "top_k", "top_k_paired", "slicing", "paired_logistic", "average_margin_hinge",
        "f_gan_jeffrey", "boundary_squared", "loss_sensitive_l1", "loss_sensitive_classifier",
    ),
    "penalties": (
        "between", "r1_scheduled", "max_gradient", "logit_centring", "lecam", "l2", "orthogonal",
        "spectral_penalty", "weight_clipping",
    ),
    "tasks": tuple(GROUPS["tasks"]),
    "lazy": (
        "lazy_r1", "lazy_consistency", "lazy_orthogonal", "gradient_normaliser",
        "latent_optimization",
    ),
}  # fmt: skip
_NAMED = {ALL[name].func for group in KINDS.values() for name in group}
_OTHERS = {make.func: name for name, make in reversed(ALL.items()) if make.func not in _NAMED}
KINDS |= {"others": tuple(_OTHERS.values())} if _OTHERS else {}


def make(names) -> list:
    """New objectives by their names here, which are their names in the logs too."""
    return [ALL[name](name=name) for name in names]


make_gan = functools.partial(small_gan, d_norm=batch_norm)  # both players have batch statistics


def plain_gan(names, **settings):
    """One whose D does not couple its batch, so that any objective fits."""
    return small_gan(make(names), **settings)
