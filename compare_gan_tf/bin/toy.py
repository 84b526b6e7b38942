"""Fit a model to 2-D points, and draw its training as a figure and an animation.

It trains like `compare-gan train`, with the same flags. Then it reads all checkpoints and writes
<model_dir>/toy/figure.png and animation.gif: the data, the model, D's logits, the path of the mean,
and the exact divergences together with D's estimates of them.

For example, fit a Gaussian to two modes, by maximum likelihood, and by a GAN that minimises
KL(q || p):

  compare-gan toy --gin_config=toy/mle_mixture.gin --model_dir=runs/mle
  compare-gan toy --gin_config=toy/gan_reverse_kl.gin --model_dir=runs/reverse_kl
"""

from absl import flags

from compare_gan_tf.bin import quiet, train


def define_flags(flag_values: flags.FlagValues) -> None:
    """Defines the flags of training."""
    train.define_flags(flag_values)


def run(values: flags.FlagValues) -> None:
    """Trains, draws, and prints the moments of the model and the paths of the pictures."""
    dataset, gan = train.run(values, check_data=_require_plane)
    quiet.silence_font_cache()
    from compare_gan_tf.toy import path, pictures

    frames = path.frames(values.model_dir, gan, dataset)
    reals = dataset.splits["test"].images[:400]
    written = pictures.write(
        f"{values.model_dir}/toy", frames, reals, path.learned(values.model_dir)
    )
    last = frames[-1]
    print(f"mean {last.mean.round(4).tolist()}, covariance {last.covariance.round(4).tolist()}")
    for name, value in last.exact.items():
        print(f"{name} {value:.4f}")
    print("\n".join(written))


def _require_plane(dataset) -> None:
    from compare_gan_tf.toy import path  # it imports TensorFlow, which takes seconds

    path.require_plane(dataset)
