"""Trains a classifier as a generator of labels (Hjelm et al., 2018, section 4.1) and scores it.

  python examples/adversarial_classification.py examples/classify_digits.gin

trains on the digits that ship, in under a minute, by importance weights. Bindings after the file
choose other ways:

  'AdversarialClassifier.method = @CrossEntropy()'
  'SampledLabels.estimator = @reinforce'
  'f_gan.divergence = @squared_hellinger()'

examples/classify_cifar10.gin has the paper's networks, for CIFAR-10.
"""

import argparse
import sys

import gin

from compare_gan_tf.bin import command, quiet


def train(file: str, bindings: list[str]):
    """(the data set, the classifier trained on it)."""
    quiet.import_tensorflow()  # the first import, so that it says nothing about this machine
    from compare_gan_tf import config, data
    from compare_gan_tf.config import configurables
    from compare_gan_tf.gan.adversarial_classification import classify

    configurables.load()
    config.parse([file], bindings)
    dataset = data.load()
    return dataset, classify(dataset, ready=lambda: config.check_used([]))


def main():
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("config", help="gin file, such as examples/classify_digits.gin")
    parser.add_argument("bindings", nargs="*", default=[], help="one each; they win")
    arguments = parser.parse_args()
    try:
        dataset, model = train(arguments.config, arguments.bindings)
    except Exception as error:
        message = command.explain(error)
        if message is None:
            raise
        sys.exit(message.replace("--gin_bindings", "the bindings"))
    print(gin.operative_config_str())
    print(f"accuracy on {dataset.name}/test: {model.accuracy(dataset.splits['test']):.4f}")


if __name__ == "__main__":
    main()
