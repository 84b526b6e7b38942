"""What every verb imports, imported once: processes that are forked from here start at once."""

from compare_gan_tf.bin import quiet

quiet.import_tensorflow()

import plotly.graph_objs  # noqa: E402, F401
from tensorboard.plugins.hparams import api  # noqa: E402, F401

from compare_gan_tf import evaluation, export, report, training  # noqa: E402, F401
from compare_gan_tf.config import configurables  # noqa: E402

configurables.load()
