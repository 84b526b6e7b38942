"""GP-UCB, the bandit of Srinivas et al. (2010), arXiv:0912.3995, for trials that run in parallel.

A Gaussian process predicts the value of a setting x, with mean mu(x) and standard deviation
sigma(x), from the trials that are complete. The next trial gets the setting where the upper
confidence bound mu(x) + sqrt(beta) sigma(x) is highest (their equation 6). Trials that still run
count as complete with the value mu, which lowers sigma around them and leaves mu as it is: so a
batch spreads out (GP-BUCB, Desautels et al., 2014, section 3).
"""

import contextlib
import warnings
from typing import Any

import optuna
import threadpoolctl
import torch
from botorch.acquisition import UpperConfidenceBound
from botorch.exceptions import ModelFittingError
from botorch.fit import fit_gpytorch_mll
from botorch.generation import gen_candidates_scipy
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import (
    get_gaussian_likelihood_with_gamma_prior,
    get_matern_kernel_with_gamma_prior,
)
from botorch.utils.sampling import draw_sobol_samples
from botorch.utils.transforms import normalize, standardize, unnormalize
from gpytorch.mlls import ExactMarginalLogLikelihood
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState
from optuna_integration import BoTorchSampler
from torch import Tensor

_SCREENED = 1024  # points all over the space, of which the best are improved
_NEAR = 256  # more of them, around the best trial
_STARTS = 10  # of the improvement
_STEPS = 200  # of each
_MOST_VALUES = 20  # of a whole number that is screened and not improved


def sampler(seed: int, startup: int, beta: float) -> BaseSampler:
    """The sampler for one trial: its proposal is a function of the seed and of the other trials.

    Args:
      seed: of the trial.
      startup: how many trials must be complete, before which it draws at random.
      beta: of the bound; the larger, the more it explores. Srinivas et al. let it grow with the
        logarithm of the number of trials; here it is constant.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return _Sampler(seed, startup, beta)


class _Sampler(BoTorchSampler):
    def __init__(self, seed: int, startup: int, beta: float):
        super().__init__(
            candidates_func=self._propose,
            n_startup_trials=startup,
            consider_running_trials=True,
            seed=seed,
        )
        self._beta, self._startup = beta, startup
        self._space: dict[str, BaseDistribution] = {}

    def sample_relative(self, study, trial, search_space) -> dict[str, Any]:
        complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        # BoTorchSampler counts the running ones as well. One value has no spread.
        if len(complete) < max(self._startup, 2):
            return {}
        self._space = search_space
        with threadpoolctl.threadpool_limits(1):  # workers share the cores
            return super().sample_relative(study, trial, search_space)

    def _propose(self, x, y, _, bounds, pending) -> Tensor:
        return propose(x, y, bounds, pending, self._space, self._beta)


def propose(
    x: Tensor, y: Tensor, bounds: Tensor, pending: Tensor, space: dict, beta: float
) -> Tensor:
    """The next point.

    Args:
      x: float64 [n, d], the points of the trials that are complete. Logarithmic ranges have their
        logarithms, a categorical setting one column a choice, of which one is 1 and the others 0.
      y: float64 [n, 1], their values; higher is better.
      bounds: float64 [2, d], the least and the largest of each column.
      pending: float64 [m, d], the points of the trials that run.
      space: {setting: distribution}, what the columns stand for.
      beta: of the bound.

    Returns:
      float64 [1, d].
    """
    model = fitted(normalize(x, bounds), standardize(clipped(y)))
    if len(pending):
        pending = normalize(pending, bounds)
        model = model.condition_on_observations(pending, model.posterior(pending).mean.detach())
    bound = UpperConfidenceBound(model, beta)
    best = x[y.argmax()]
    points = normalize(possible(_screened(best, bounds), space), bounds).clamp(0.0, 1.0)
    with torch.no_grad():
        starts = points[bound(points[:, None]).topk(_STARTS).indices]
    # Categories and small whole numbers stay as they are while the other columns are improved.
    fixed = _discrete(space)
    if fixed.all():
        return unnormalize(starts[:1], bounds)
    points, values = gen_candidates_scipy(
        starts[:, None],
        bound,
        lower_bounds=torch.where(fixed, starts, 0.0)[:, None],
        upper_bounds=torch.where(fixed, starts, 1.0)[:, None],
        options={"maxiter": _STEPS},
        use_parallel_mode=False,
    )
    return possible(unnormalize(points[values.argmax()].detach(), bounds), space)


def clipped(y: Tensor) -> Tensor:
    """Values of which a few very bad ones do not hide the differences between the others.

    What is infinitely bad, as a setting that failed, counts as the worst of the others; nothing is
    known where there are no others. What lies below Tukey's fence is put on it; the spread is that
    of the better half, since of a study's trials many may be bad, and values that occur many times
    count once.

    Args:
      y: float64 [n, 1]; higher is better.
    """
    y = y.nan_to_num(neginf=float(min(y[y.isfinite()], default=0.0)))
    median, good = torch.unique(y).quantile(torch.tensor([0.5, 0.75], dtype=y.dtype))
    return y.clamp(min=median - 4.0 * (good - median))


def fitted(x: Tensor, y: Tensor) -> SingleTaskGP:
    """A Gaussian process with a Matern-5/2 kernel and a length scale for each column.

    A Gamma prior keeps the length scales of the few first trials from being far too short or long.

    Args:
      x: float64 [n, d] in [0, 1].
      y: float64 [n, 1], standardised.
    """
    model = SingleTaskGP(
        x,
        y,
        covar_module=get_matern_kernel_with_gamma_prior(ard_num_dims=x.shape[1]),
        likelihood=get_gaussian_likelihood_with_gamma_prior(),
        outcome_transform=None,
    )
    with contextlib.suppress(ModelFittingError):  # it keeps the modes of its priors
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model.eval()


def _screened(best: Tensor, bounds: Tensor) -> Tensor:
    """Points all over the space and around the best trial, [_SCREENED + _NEAR, d]."""
    seed = int(torch.randint(2**31, ()))
    everywhere = draw_sobol_samples(bounds, n=_SCREENED, q=1, seed=seed)[:, 0]
    steps = 0.1 * torch.randn(_NEAR, len(best), dtype=best.dtype) * (bounds[1] - bounds[0])
    return torch.cat([everywhere, (best + steps).clamp(bounds[0], bounds[1])])


def possible(points: Tensor, space: dict[str, BaseDistribution]) -> Tensor:
    """The nearest points that trials can have: one choice of each category, whole numbers.

    Args:
      points: float64 [n, d], as `propose` has them.
      space: {setting: distribution}.
    """
    columns = []
    widths = [len(_columns(one)) for one in space.values()]
    for one, part in zip(space.values(), points.split(widths, dim=1), strict=True):
        if isinstance(one, CategoricalDistribution):
            part = torch.nn.functional.one_hot(part.argmax(1), len(one.choices)).to(part)
        elif isinstance(one, IntDistribution):
            whole = (part.exp() if one.log else part).round().clamp(one.low, one.high)
            part = whole.log() if one.log else whole
        columns.append(part)
    return torch.cat(columns, dim=1)


def _columns(one: BaseDistribution) -> list[bool]:
    """For each column of a setting, whether it takes so few values that each can be tried."""
    if isinstance(one, CategoricalDistribution):
        return [True] * len(one.choices)
    return [isinstance(one, IntDistribution) and one.high - one.low < _MOST_VALUES]


def _discrete(space: dict[str, BaseDistribution]) -> Tensor:
    return torch.tensor([one for setting in space.values() for one in _columns(setting)])
