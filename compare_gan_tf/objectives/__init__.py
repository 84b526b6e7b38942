"""The objectives: losses, penalties and auxiliary tasks, each a value in `GAN.objectives`."""

from compare_gan_tf.objectives.adversarial_flow import *
from compare_gan_tf.objectives.base import *
from compare_gan_tf.objectives.boundary_seeking import *
from compare_gan_tf.objectives.classification import *
from compare_gan_tf.objectives.consistency import *
from compare_gan_tf.objectives.contrastive import *
from compare_gan_tf.objectives.discrete import *
from compare_gan_tf.objectives.feature_matching import *
from compare_gan_tf.objectives.gradient_penalty import *
from compare_gan_tf.objectives.infomax import *
from compare_gan_tf.objectives.kernel_penalty import *
from compare_gan_tf.objectives.label_prediction import *
from compare_gan_tf.objectives.lecam import *
from compare_gan_tf.objectives.likelihood import *
from compare_gan_tf.objectives.loss_sensitive import *
from compare_gan_tf.objectives.losses import *
from compare_gan_tf.objectives.max_gradient_penalty import *
from compare_gan_tf.objectives.multi_hinge import *
from compare_gan_tf.objectives.mutual_information import *
from compare_gan_tf.objectives.path_length import *
from compare_gan_tf.objectives.relativistic import *
from compare_gan_tf.objectives.rotation import *
from compare_gan_tf.objectives.slicing import *
from compare_gan_tf.objectives.spectral_penalty import *
from compare_gan_tf.objectives.top_k import *
from compare_gan_tf.objectives.weight_clipping import *
