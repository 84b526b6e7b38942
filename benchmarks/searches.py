"""How near to the optimum a study's searches come, with the trials of a budget run in batches.

On two functions of four settings, Hartmann-4, and Branin plus a bowl, each with noise and with
settings whose logarithm matters, each search gets 60 trials in batches of six; random search as
many. Prints the simple regret: by how much the best setting tried, without the noise, misses the
optimum; median and largest over the seeds, and the seconds that a proposal takes.

  python benchmarks/searches.py --seeds=10 --searches=random_search,tpe,gp_ei,gp_ucb
"""

import argparse
import statistics
import time

import numpy as np
import optuna

from compare_gan_tf.errors import UserError
from compare_gan_tf.study import samplers
from compare_gan_tf.study.cells import Cell
from compare_gan_tf.study.plan import SEARCHES, Search, Span

DIMENSIONS = 4
LOW, HIGH = 1e-5, 1e-1  # of each setting, searched on the logarithmic scale


def hartmann(u: np.ndarray) -> float:
    """Hartmann's function of four variables in [0, 1], as Picheny et al. (2013) scale it."""
    alpha = np.array([1.0, 1.2, 3.0, 3.2])
    a = np.array([[10, 3, 17, 3.5], [0.05, 10, 17, 0.1], [3, 3.5, 1.7, 10], [17, 8, 0.05, 10]])
    p = np.array(
        [
            [0.1312, 0.1696, 0.5569, 0.0124],
            [0.2329, 0.4135, 0.8307, 0.3736],
            [0.2348, 0.1451, 0.3522, 0.2883],
            [0.4047, 0.8828, 0.8732, 0.5743],
        ]
    )
    return float((1.1 - alpha @ np.exp(-(a * (u - p) ** 2).sum(1))) / 0.839)


def branin_and_bowl(u: np.ndarray) -> float:
    """Branin's function, scaled to a standard deviation of 1, plus a bowl in two more variables."""
    x, y = 15 * u[0] - 5, 15 * u[1]
    branin = (y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6) ** 2
    branin += 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10
    return float(branin / 51.95 + 2.0 * ((u[2:] - 0.5) ** 2).sum())


# {name: (function, its minimum, standard deviation of the noise)}
SURFACES = {
    "Hartmann-4": (hartmann, -3.1345, 0.1),
    "Branin and bowl": (branin_and_bowl, 0.397887 / 51.95, 0.1),
}


def cell() -> Cell:
    """Of a study that searches four logarithmic ranges."""
    settings = {f"x{i}": Span(LOW, HIGH, log=True) for i in range(DIMENSIONS)}
    return Cell(0, {}, "", (), settings)


def regret(
    name: str, surface: str, seed: int, *, trials: int = 60, batch: int = 6
) -> tuple[float, float]:
    """Simple regret of a search after all trials, and seconds that a proposal took on average."""
    function, minimum, noise = SURFACES[surface]
    search = Search(name, SEARCHES[name])
    study = optuna.create_study(study_name=f"{seed}", sampler=samplers.sampler(search))
    rng, best, spent = np.random.default_rng(seed), np.inf, 0.0
    for _ in range(trials // batch):
        begun = time.perf_counter()
        running = []
        for _ in range(batch):
            trial = study.ask()
            running.append((trial, samplers.suggest(trial, cell())))
        spent += time.perf_counter() - begun
        for trial, setting in running:
            u = np.log(np.array(list(setting.values())) / LOW) / np.log(HIGH / LOW)
            value = function(u)
            best = min(best, value)
            study.tell(trial, value + noise * rng.standard_normal())
    return best - minimum, spent / trials


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--searches", default="random_search,tpe,gp_ei,gp_ucb")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    print(f"{'search':<14} {'surface':<16} {'median':>7} {'largest':>8} {'s a trial':>10}")
    for surface in SURFACES:
        for search in args.searches.split(","):
            try:
                samplers.sampler(Search(search, SEARCHES[search]))
            except UserError as error:
                print(f"{search:<14} left out: {error}")
                continue
            found = [
                regret(search, surface, seed) for seed in range(args.first, args.first + args.seeds)
            ]
            regrets, seconds = zip(*found, strict=True)
            median, spent = statistics.median(regrets), statistics.median(seconds)
            print(
                f"{search:<14} {surface:<16} {median:>7.3f} {max(regrets):>8.3f} {spent:>10.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
