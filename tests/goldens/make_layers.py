"""Writes layers.json: counts and widths of compare_gan's BigGAN for 128 px and of its norms."""

from make_biggan import BIGGAN, CH, EMBEDDING, generator
from make_biggan import CLASSES as IMAGENET
from writing import write

# Asserted by compare_gan's tests (arch_ops_test.py): hidden units, and constants at the start.
SELF_MODULATION = {"num_hidden": 32, "gamma_bias": 1.0, "beta_bias": 0.0}


def made() -> dict:
    latent, widths, _, attended, _ = BIGGAN[128]
    network, chunk = generator(128), latent // len(widths)
    return {
        "source": "google/compare_gan v3 (commit 19922d3): counts and widths its tests assert for "
        "BigGAN 128 "
        "(ch 96, z 120, 1000 classes), and its number of generator variables that are not trained "
        "with "
        "spectral norm, vector left; sums as in make_biggan.py",
        "biggan128": {
            "generator": network.trained(),
            "not_trained": network.not_trained(),
            "channels": [CH * width for width in widths],
            "condition": chunk + EMBEDDING,
            "latent_chunk": chunk,
            "classes": IMAGENET,
            "embedding": EMBEDDING,
            "attention": {"size": 4 * 2**attended, "channels": CH * widths[attended]},
        },
        "self_modulation": SELF_MODULATION,
    }


if __name__ == "__main__":
    write(__file__, made())
