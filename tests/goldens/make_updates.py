"""Writes updates.json: whole updates of two GANs, worked out in numpy in float64.

Both players are perceptrons with one hidden layer; forward and backward passes are written out:

  sngan  hinge, two updates of D for one of G, spectral norm in D (Miyato et al., 2018), batch norm
         in G, Adam with beta_1 = 0
  r3gan  the paired relativistic loss with R1 and R2 (Huang et al., 2024), a moving average of G

Spectral norm's u and the moving averages of batch norm advance in their own player's updates alone.
"""

import numpy as np
from writing import rounded, write

BATCH, LATENT, HIDDEN, SAMPLE = 5, 3, 4, 2
STEPS = 2
SLOPE, BN_EPSILON, BN_MOMENTUM = 0.2, 1e-3, 0.9
GAMMA, DECAY = 1.0, 0.75
ADAM = {
    "sngan": {"learning_rate": 0.02, "beta_1": 0.0, "beta_2": 0.9, "epsilon": 1e-8},
    "r3gan": {"learning_rate": 0.02, "beta_1": 0.25, "beta_2": 0.99, "epsilon": 1e-8},
}
SUBSTEPS = {"sngan": ("discriminator", "discriminator", "generator")} | {
    "r3gan": ("discriminator", "generator")
}


def drawn(rng, *shape) -> np.ndarray:
    """Normals that float32 has exactly."""
    return np.round(rng.normal(size=shape) * 256) / 256


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# --- G: z K, batch norm or a bias, ReLU, a dense layer ------------------------------------------


def generate(g: dict, z):
    """(samples, what `generator_gradients` needs of the pass)."""
    a = z @ g["kernel"]
    if "gamma" in g:
        deviation = np.sqrt(a.var(0) + BN_EPSILON)
        normed = (a - a.mean(0)) / deviation
        b = normed * g["gamma"] + g["beta"]
    else:
        deviation = normed = None
        b = a + g["bias"]
    h = np.maximum(b, 0)
    return h @ g["out_kernel"] + g["out_bias"], (z, a, deviation, normed, b, h)


def generator_gradients(g: dict, kept, of_samples) -> dict:
    z, _, deviation, normed, b, h = kept
    found = {"out_kernel": h.T @ of_samples, "out_bias": of_samples.sum(0)}
    of_b = (of_samples @ g["out_kernel"].T) * (b > 0)
    if normed is None:
        return found | {"kernel": z.T @ of_b, "bias": of_b.sum(0)}
    of_normed = of_b * g["gamma"]
    of_a = of_normed - of_normed.mean(0) - normed * (of_normed * normed).mean(0)
    found |= {"gamma": (of_b * normed).sum(0), "beta": of_b.sum(0)}
    return found | {"kernel": z.T @ (of_a / deviation)}


# --- D: a dense layer, a leaky ReLU, a dense layer ----------------------------------------------


def judge(d: dict, x):
    """(logits [n], what the gradients need of the pass)."""
    a = x @ d["kernel"] + d["bias"]
    slopes = np.where(a > 0, 1.0, SLOPE)
    h = a * slopes
    return (h @ d["out_kernel"] + d.get("out_bias", 0.0))[:, 0], (x, slopes, h)


def discriminator_gradients(d: dict, kept, of_logits) -> tuple:
    """(of the weights, of the samples)."""
    x, slopes, h = kept
    of_out = of_logits[:, None]
    of_a = (of_out @ d["out_kernel"].T) * slopes
    found = {"out_kernel": h.T @ of_out, "kernel": x.T @ of_a, "bias": of_a.sum(0)}
    if "out_bias" in d:
        found["out_bias"] = of_out.sum(0)
    return found, of_a @ d["kernel"].T


def penalty_gradients(d: dict, kept, factor: float) -> dict:
    """Of factor times the mean of |d logit / d x|^2, where d logit / d x = (w slopes) K^T."""
    slopes = kept[1]
    inner = slopes * d["out_kernel"].T
    slope_of_x = inner @ d["kernel"].T
    of_slope = 2 * factor / len(slopes) * slope_of_x
    out_kernel = ((of_slope @ d["kernel"]) * slopes).sum(0)[:, None]
    return {"kernel": of_slope.T @ inner, "out_kernel": out_kernel}


def sigmas(d: dict, u: dict, advance: bool) -> dict:
    """{kernel: (sigma, u, v)} by one power iteration, or by none where u stays."""
    found = {}
    for name, old in u.items():
        v = d[name].T @ old
        v /= np.linalg.norm(v)
        new = d[name] @ v if advance else old
        new = new / np.linalg.norm(new)
        found[name] = (new @ d[name] @ v, new, v)
    return found


def normed_weights(d: dict, estimates: dict) -> dict:
    return d | {name: d[name] / sigma for name, (sigma, _, _) in estimates.items()}


def through_norm(d: dict, estimates: dict, gradients: dict) -> dict:
    """Of W, by those of W / sigma with sigma = u W v, u and v held constant."""
    found = dict(gradients)
    for name, (sigma, u, v) in estimates.items():
        along = np.sum(gradients[name] * d[name]) / sigma**2
        found[name] = gradients[name] / sigma - along * np.outer(u, v)
    return found


# --- Updates ----------------------------------------------------------------------------------


class Adam:
    """Kingma and Ba (2015), in the form before section 2.1: epsilon beside the plain root."""

    def __init__(self, weights: dict, learning_rate, beta_1, beta_2, epsilon):
        self.settings = learning_rate, beta_1, beta_2, epsilon
        self.m = {name: np.zeros_like(w) for name, w in weights.items()}
        self.v = {name: np.zeros_like(w) for name, w in weights.items()}
        self.steps = 0

    def apply(self, weights: dict, gradients: dict) -> dict:
        rate, beta_1, beta_2, epsilon = self.settings
        self.steps += 1
        rate *= np.sqrt(1 - beta_2**self.steps) / (1 - beta_1**self.steps)
        moved = {}
        for name, w in weights.items():
            g = gradients[name]
            self.m[name] = beta_1 * self.m[name] + (1 - beta_1) * g
            self.v[name] = beta_2 * self.v[name] + (1 - beta_2) * g**2
            moved[name] = w - rate * self.m[name] / (np.sqrt(self.v[name]) + epsilon)
        return moved


def total(*gradients: dict) -> dict:
    names = {name for one in gradients for name in one}
    return {name: sum(one[name] for one in gradients if name in one) for name in names}


def update_sngan(state: dict, player: str, z, real) -> None:
    """Hinge (Miyato et al., 2018, eq. 16 and 17)."""
    g, d = state["generator"], state["discriminator"]
    fake, of_pass = generate(g, z)
    estimates = sigmas(d, state["u"], advance=player == "discriminator")
    normed = normed_weights(d, estimates)
    if player == "discriminator":
        logits, kept = judge(normed, np.concatenate([real, fake]))
        of_logits = (
            np.concatenate([-1.0 * (logits[:BATCH] < 1), 1.0 * (logits[BATCH:] > -1)]) / BATCH
        )
        gradients, _ = discriminator_gradients(normed, kept, of_logits)
        gradients = through_norm(d, estimates, gradients)
        state["u"] = {name: u for name, (_, u, _) in estimates.items()}
    else:
        _, kept = judge(normed, fake)
        _, of_fake = discriminator_gradients(normed, kept, np.full(BATCH, -1 / BATCH))
        gradients = generator_gradients(g, of_pass, of_fake)
        a = of_pass[1]
        for name, now in (("mean", a.mean(0)), ("variance", a.var(0))):
            before = state["statistics"][name]
            state["statistics"][name] = BN_MOMENTUM * before + (1 - BN_MOMENTUM) * now
    state[player] = state["adam"][player].apply(state[player], gradients)


def update_r3gan(state: dict, player: str, z, real) -> None:
    """softplus(-(real - fake)) for D and softplus(-(fake - real)) for G; gamma / 2 of R1 and R2."""
    g, d = state["generator"], state["discriminator"]
    fake, of_pass = generate(g, z)
    of_real, kept_real = judge(d, real)
    of_fake, kept_fake = judge(d, fake)
    if player == "discriminator":
        share = sigmoid(of_fake - of_real) / BATCH
        gradients = total(
            discriminator_gradients(d, kept_real, -share)[0],
            discriminator_gradients(d, kept_fake, share)[0],
            penalty_gradients(d, kept_real, GAMMA / 2),
            penalty_gradients(d, kept_fake, GAMMA / 2),
        )
    else:
        share = sigmoid(of_real - of_fake) / BATCH
        _, of_samples = discriminator_gradients(d, kept_fake, -share)
        gradients = generator_gradients(g, of_pass, of_samples)
    state[player] = state["adam"][player].apply(state[player], gradients)


# --- The file -----------------------------------------------------------------------------------


def start(name: str, rng) -> dict:
    """Weights and state before the first update."""
    g = {"kernel": drawn(rng, LATENT, HIDDEN)}
    if name == "sngan":
        g |= {"gamma": 1 + drawn(rng, HIDDEN) / 4, "beta": drawn(rng, HIDDEN)}
    else:
        g |= {"bias": drawn(rng, HIDDEN)}
    g |= {"out_kernel": drawn(rng, HIDDEN, SAMPLE), "out_bias": drawn(rng, SAMPLE)}
    d = {"kernel": drawn(rng, SAMPLE, HIDDEN), "bias": drawn(rng, HIDDEN)}
    d |= {"out_kernel": drawn(rng, HIDDEN, 1)}
    state = {"generator": g, "discriminator": d}
    if name == "sngan":
        d["out_bias"] = drawn(rng, 1)
        state["u"] = {"kernel": drawn(rng, SAMPLE), "out_kernel": drawn(rng, HIDDEN)}
        state["statistics"] = {"mean": np.zeros(HIDDEN), "variance": np.ones(HIDDEN)}
    else:
        state["average"] = dict(g)
    return state


def shown(state: dict) -> dict:
    """All that an update may have changed, as it is now."""
    slots = {p: {"m": dict(adam.m), "v": dict(adam.v)} for p, adam in state["adam"].items()}
    rest = {key: dict(value) for key, value in state.items() if key != "adam"}
    return rest | {"adam": slots}


def updates(name: str, update, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    state, players = start(name, rng), SUBSTEPS[name]
    z = drawn(rng, STEPS, len(players), BATCH, LATENT)
    real = drawn(rng, STEPS, len(players), BATCH, SAMPLE)
    found = {"start": {key: dict(value) for key, value in state.items()}, "z": z, "real": real}
    state["adam"] = {p: Adam(state[p], **ADAM[name]) for p in ("generator", "discriminator")}
    found["updates"] = []
    for step in range(STEPS):
        for substep, player in enumerate(players):
            update(state, player, z[step, substep], real[step, substep])
            found["updates"].append({"player": player, **shown(state)})
        if "average" in state:
            pairs = state["average"], state["generator"]
            state["average"] = {
                key: DECAY * pairs[0][key] + (1 - DECAY) * pairs[1][key] for key in pairs[0]
            }
            found["updates"][-1]["average"] = dict(state["average"])
    return found


def made() -> dict:
    return rounded(
        {
            "source": "numpy in float64, forward and backward passes written out: hinge and "
            "spectral norm "
            "of Miyato et al. (2018, eq. 16 and 17, algorithm 1), RpGAN with R1 and R2 of Huang "
            "et al. "
            "(2024, eq. 2 and 3), Adam of Kingma and Ba (2015, section 2)",
            "settings": {
                "slope": SLOPE,
                "bn_epsilon": BN_EPSILON,
                "bn_momentum": BN_MOMENTUM,
                "gamma": GAMMA,
                "decay": DECAY,
                "adam": ADAM,
            },
            "sngan": updates("sngan", update_sngan, seed=0),
            "r3gan": updates("r3gan", update_r3gan, seed=1),
        },
        digits=9,
    )


if __name__ == "__main__":
    write(__file__, made())
