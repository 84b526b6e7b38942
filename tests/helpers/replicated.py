"""Scores of a GAN built under a strategy of N logical devices; run by test_strategy.py.

Usage: replicated.py REPLICAS FOLDER
"""

import json
import sys

import killed
from strategies import make_strategy

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import pairs
from compare_gan_tf.metrics import extractors, scalings


def main():
    replicas, folder = int(sys.argv[1]), sys.argv[2]
    strategy = make_strategy(replicas)
    digits = data.load("digits")
    options = {"metrics": ["fid", "kid_full", "inception_score"], "batch_size": 90}
    with strategy.scope():
        gan = killed.make_gan(digits)
        rows = evaluation.evaluate(folder, gan, digits, **options)
        found = pairs.evaluate("digits/test", gan, num_samples=101, metrics="fid,ms_ssim")
        network = extractors.model_file(f"{folder}/network.keras", scalings.unit_scaling())
        own = pairs.evaluate("digits/test", gan, num_samples=101, metrics="fid", extractor=network)
    scores = {f"{row['split']} {row['metric']}": row["value"] for row in rows}
    scores["fid of own features"] = own.values()["fid"]
    print(json.dumps(scores | found.values()))


if __name__ == "__main__":
    main()
