"""Exports: how a trained GAN leaves this library. The contract is in README.md beside."""

from compare_gan_tf.export.exporter import export_discriminator, export_generator, export_run
from compare_gan_tf.export.keras_files import load_keras
from compare_gan_tf.export.verification import ExportMismatch

__all__ = [
    "ExportMismatch",
    "export_discriminator",
    "export_generator",
    "export_run",
    "load_keras",
]
