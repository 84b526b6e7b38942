"""Two workers meet without a GAN; run by test_workers.py. Prints what they found, as JSON.

Usage: meeting.py INDEX
"""

import json
import sys

import tensorflow as tf

from compare_gan_tf.errors import UserError
from compare_gan_tf.gan import distribution
from compare_gan_tf.gan.workers import Workers


def refusal(call) -> str:
    try:
        call()
    except UserError as error:
        return str(error)
    return ""


def main():
    index = int(sys.argv[1])
    strategy = distribution.get_strategy("auto")
    workers = Workers(strategy)

    def fails():
        raise UserError("the disk is full")

    with strategy.scope():
        kinds = {"float32": [0.1, -2.0], "int64": 2**40, "int32": 7, "bool": True}
        variables = [tf.Variable(tf.cast(value, kind)) for kind, value in kinds.items()]
        if index:
            for variable in variables:
                variable.assign(tf.zeros_like(variable))
    workers.require_same("seed = 0\nsteps = 3", "the call")
    found = {
        "index": workers.index,
        "number": workers.number,
        "is_chief": workers.is_chief,
        "replicas": strategy.num_replicas_in_sync,
        "highest": [workers.highest(index), workers.highest(5 - index)],
        "together": workers.together(lambda: "done"),
        "failed": refusal(lambda: workers.together(fails)),
        "differs": refusal(lambda: workers.require_same(f"seed = {index}\nsteps = 3", "the call")),
    }
    workers.share(variables)
    found["shared"] = [variable.numpy().tolist() for variable in variables]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
