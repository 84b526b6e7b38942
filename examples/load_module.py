"""Uses an exported generator as anybody would: this package is not imported, nor needed.

python examples/load_module.py runs/quickstart/hub/1000/generator
"""

import argparse
import os
import sys

# Of TensorFlow's messages only fatal errors; those about the machine come before it has read this.
level = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
stderr = os.dup(2)
if level != "0":
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
try:
    import tensorflow as tf
finally:
    os.dup2(stderr, 2)

parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
parser.add_argument("path", help="folder of the module, such as runs/quickstart/hub/1000/generator")
path = parser.parse_args().path
try:
    module = tf.saved_model.load(path)
except (OSError, ValueError) as error:
    sys.exit(f"{path} is no exported generator: {str(error).splitlines()[0]}")
images = module.sample(16, [0, 1], 0.0)
assert "compare_gan_tf" not in sys.modules

low, high = float(images.numpy().min()), float(images.numpy().max())
print(f"""
The module is loaded back, and sampled: float32 {list(images.shape)} in [{low:.2f}, {high:.2f}]
It is used by these three lines of Python:

  import tensorflow as tf
  module = tf.saved_model.load({path!r})
  images = module.sample(16, [0, 1], 0.0)  # number, seed, truncation (0.0: none)""")
