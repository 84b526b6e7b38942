"""Pages: of a run, `<model_dir>/report/index.html`, and of a comparison of runs."""

from compare_gan_tf.comparison.facets import pictured
from compare_gan_tf.report.all_figures import figures
from compare_gan_tf.report.comparison import write_comparison
from compare_gan_tf.report.images import write_figures
from compare_gan_tf.report.page import write_report

__all__ = ["figures", "pictured", "write_comparison", "write_figures", "write_report"]
