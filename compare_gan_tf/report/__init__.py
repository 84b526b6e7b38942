"""The page about a run: `<model_dir>/report/index.html`."""

from compare_gan_tf.report.page import write_report

__all__ = ["write_report"]
