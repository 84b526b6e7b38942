"""The terms of the game: each loss, penalty or auxiliary task is a value in `GAN.objectives`."""

from compare_gan_tf.objectives.base import Game, Objective, Samples, Scored, Term, View
from compare_gan_tf.objectives.boundary_seeking import BoundarySeeking
from compare_gan_tf.objectives.classification import Classification
from compare_gan_tf.objectives.consistency import Consistency, LatentConsistency
from compare_gan_tf.objectives.discrete import DiscreteBoundarySeeking
from compare_gan_tf.objectives.feature_matching import FeatureMatching
from compare_gan_tf.objectives.gradient_penalty import GradientPenalty
from compare_gan_tf.objectives.infomax import InfoMax
from compare_gan_tf.objectives.kernel_penalty import L2, Orthogonal
from compare_gan_tf.objectives.label_prediction import LabelPrediction
from compare_gan_tf.objectives.lecam import LeCam
from compare_gan_tf.objectives.likelihood import Critic, MaximumLikelihood, ReverseKL
from compare_gan_tf.objectives.loss_sensitive import LossSensitive, LossSensitiveClassifier
from compare_gan_tf.objectives.losses import Adversarial
from compare_gan_tf.objectives.max_gradient_penalty import MaxGradientPenalty
from compare_gan_tf.objectives.mutual_information import (
    CategoricalInformation,
    GaussianInformation,
)
from compare_gan_tf.objectives.relativistic import Relativistic
from compare_gan_tf.objectives.rotation import Rotation
from compare_gan_tf.objectives.spectral_penalty import SpectralPenalty
from compare_gan_tf.objectives.top_k import TopK, TopKRelativistic
from compare_gan_tf.objectives.weight_clipping import WeightClipping

__all__ = [
    "L2",
    "Adversarial",
    "BoundarySeeking",
    "CategoricalInformation",
    "Classification",
    "Consistency",
    "Critic",
    "DiscreteBoundarySeeking",
    "FeatureMatching",
    "Game",
    "GaussianInformation",
    "GradientPenalty",
    "InfoMax",
    "LabelPrediction",
    "LatentConsistency",
    "LeCam",
    "LossSensitive",
    "LossSensitiveClassifier",
    "MaxGradientPenalty",
    "MaximumLikelihood",
    "Objective",
    "Orthogonal",
    "Relativistic",
    "ReverseKL",
    "Rotation",
    "Samples",
    "Scored",
    "SpectralPenalty",
    "Term",
    "TopK",
    "TopKRelativistic",
    "View",
    "WeightClipping",
]
