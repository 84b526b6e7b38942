"""Writes r3gan2.json: sums over the layers of the authors' networks, for their preset."""

from writing import write

SIDE, CLASSES, LATENT, WIDTH, INSIDE, DEPTH, GROUP, STAGES = 32, 10, 64, 512, 1024, 4, 32, 3
SOURCE = (
    "sums over the layers of the authors' networks (R3GAN2-team/R3GAN2-ablation e7b6e0c, "
    "Networks.py) for their preset CIFAR10 (train.py) without D's AugmentationMap: a block of "
    "width 512 with groups of 32 channels has (512 + 1 + noise) 1024 + 9 (32) 1024 + 1024 (512) "
    "weights and 512 alphas"
)


def block(noise: int) -> int:
    return (WIDTH + 1 + noise) * INSIDE + 9 * GROUP * INSIDE + INSIDE * WIDTH + WIDTH


def generator() -> int:
    """An embedding, the head (a matrix with bias, 4x4 bases, a 1x1), blocks, 1x1 and a gain."""
    head = (2 * LATENT + 1) * INSIDE + 16 * GROUP * INSIDE + INSIDE * WIDTH
    return CLASSES * LATENT + head + STAGES * DEPTH * block(1) + 3 * WIDTH + 1


def discriminator() -> int:
    """1x1 from the colours, the blocks, the head to vectors of 512, an embedding of 512."""
    head = (WIDTH + 1) * INSIDE + 16 * GROUP * INSIDE + INSIDE * WIDTH
    return 3 * WIDTH + STAGES * DEPTH * block(0) + head + CLASSES * WIDTH


def made() -> dict:
    sizes = {"generator": generator(), "discriminator": discriminator()}
    return {"source": SOURCE, "side": SIDE, "classes": CLASSES, "latent_dim": LATENT, **sizes}


if __name__ == "__main__":
    write(__file__, made())
