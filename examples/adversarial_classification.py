"""Trains a classifier as a generator of labels (Hjelm et al., 2018, section 4.1) and scores it.

  python examples/adversarial_classification.py examples/classify_digits.gin

trains on the digits that ship, in under a minute, by importance weights. Bindings after the file
choose other ways:

  'AdversarialClassifier.method = @CrossEntropy()'
  'SampledLabels.estimator = @reinforce'
  'f_gan.divergence = @squared_hellinger()'

examples/classify_cifar10.gin has the paper's networks, for CIFAR-10.
"""

import sys

import gin

from compare_gan_tf import config, configurables, data
from compare_gan_tf.adversarial_classification import classify
from compare_gan_tf.errors import UserError


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    configurables.load()
    try:
        config.parse([sys.argv[1]], sys.argv[2:])
        dataset = data.load()
        model = classify(dataset)
    except UserError as error:
        sys.exit(str(error))
    print(gin.operative_config_str())
    print(f"accuracy on {dataset.name}/test: {model.accuracy(dataset.splits['test']):.4f}")


if __name__ == "__main__":
    main()
