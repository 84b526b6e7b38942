"""Scores of a GAN under one and under two devices, a line of JSON each; run by test_strategy.py.

Usage: replicated.py FOLDER
"""

import json
import sys

import killed
import strategies

from compare_gan_tf import data, evaluation
from compare_gan_tf.evaluation import pairs
from compare_gan_tf.metrics import extractors, scalings


def main():
    for replicas, strategy in strategies.one_and_two().items():
        score(f"{sys.argv[1]}/{replicas}", strategy)


def score(folder: str, strategy):
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
