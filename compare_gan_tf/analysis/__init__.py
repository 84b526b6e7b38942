"""The statistics of comparing GAN variants by the scores of many runs: docs/analysis.md.

Numpy only; scores in, arrays and small dataclasses out. A failed run is nan and never dropped.
"""

from compare_gan_tf.analysis.aggregates import *
from compare_gan_tf.analysis.bootstrap import *
from compare_gan_tf.analysis.budgets import *
from compare_gan_tf.analysis.correlation import *
from compare_gan_tf.analysis.effects import *
from compare_gan_tf.analysis.friedman import *
from compare_gan_tf.analysis.improvement import *
from compare_gan_tf.analysis.letters import *
from compare_gan_tf.analysis.log_efficiency import *
from compare_gan_tf.analysis.pareto import *
from compare_gan_tf.analysis.power import *
from compare_gan_tf.analysis.profiles import *
from compare_gan_tf.analysis.ranks import *
from compare_gan_tf.analysis.scores import *
from compare_gan_tf.analysis.significance import *
from compare_gan_tf.analysis.summaries import *
