"""Dirichlet-process mixtures of independence: people differ, and within a class the lists are independent.

Manrique-Vallier (2016) Biometrics 72:1246-1254. Class ``k`` has probability ``pi_k`` (stick-breaking) and
capture probabilities ``lambda_jk``; the population size has prior 1/N. The Gibbs sampler draws, in turn, the
classes of the people seen, the capture probabilities, the sticks, the number unseen (negative binomial,
capped), their classes and the concentration. Many chains run side by side as rows of arrays: that is what
makes numpy fast here, and what R-hat needs.

On sparse tables the sampler often does not mix; the report says so, and ``require_mixing=True`` refuses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from survey_toolkit._chains import effective_draws, split_r_hat
from survey_toolkit.errors import EstimationError
from survey_toolkit.multiple_systems.chains import ChainReport, count_modes
from survey_toolkit.multiple_systems.histories import CaptureHistories
from survey_toolkit.multiple_systems.intervals import check_level
from survey_toolkit.multiple_systems.results import PopulationSize
from survey_toolkit.multiple_systems.verdict import require_overlap

__all__ = ["latent_classes"]

FloatArray = NDArray[np.float64]

_FIXED_SWEEPS = 500
_FIRST_ALPHA = 0.1
_REDRAWS = 50
_TINY = 1e-12
_ASSUMPTIONS = (
    "The population did not change while the lists were made; everybody could have been on any list; people "
    "on several lists were recognised as one; and people fall into classes within which being on one list "
    "does not change the chance of being on another. Referrals between lists break this for any number of "
    "classes; a class that no list reaches cannot be seen in the data."
)


def latent_classes(
    data: CaptureHistories,
    *,
    classes: int = 10,
    chains: int = 40,
    burn_in: int = 1000,
    draws: int = 1000,
    thin: int = 2,
    cap: float | None = 20.0,
    alpha_prior: tuple[float, float] = (0.25, 0.25),
    level: float = 0.95,
    seed: int = 0,
    require_mixing: bool = False,
) -> PopulationSize:
    """Population size under a Dirichlet-process mixture of latent classes, by Gibbs sampling.

    Parameters
    ----------
    data : CaptureHistories
        Three lists or more: with two nothing but the prior decides.
    classes : int
        Largest number of classes.
    chains, burn_in, draws, thin : int
        Sweeps a chain: ``burn_in + draws * thin``.
    cap : float or None
        The unseen are at most ``cap`` times the observed; None = no cap.
    alpha_prior : (shape, rate)
        Gamma prior of the concentration.
    level : float
    seed : int
    require_mixing : bool
        Raise an error instead of a warning when the chains do not agree.

    Returns
    -------
    PopulationSize
        The estimate is the posterior median; ``replicates`` all draws; ``detail`` a :class:`ChainReport`.

    Raises
    ------
    EstimationError
        Fewer than three lists, impossible settings, or chains that do not mix when that is required.

    Examples
    --------
    >>> table = {"100": 69, "010": 55, "001": 63, "110": 21, "101": 17, "011": 18, "111": 28}
    >>> lists = CaptureHistories.from_counts(table, lists=["P", "Q", "E"])
    >>> fit = latent_classes(lists, chains=4, burn_in=100, draws=200, seed=1)
    >>> fit.detail.draws.shape
    (4, 200)
    """
    _check(data, classes, chains, burn_in, draws, thin, cap)
    check_level(level)
    state = _Sampler.start(data, classes, chains, cap, alpha_prior, seed)
    kept = state.run(burn_in, draws, thin)
    population = data.n_observed + kept
    log_size = np.log(population)
    report = ChainReport(
        draws=population,
        r_hat=split_r_hat(log_size),
        ess=effective_draws(log_size),
        n_modes=count_modes(log_size.ravel()),
        cap=None if cap is None else cap * data.n_observed,
        share_at_cap=state.capped / (chains * (burn_in + draws * thin)),
        sweeps=chains * (burn_in + draws * thin),
        seed=seed,
    )
    if require_mixing and not report.mixed:
        raise EstimationError(
            "the latent-class sampler does not mix on this table, so its draws are no posterior",
            found=report.warnings()[0],
            hint="more sweeps rarely help on sparse tables; look at the chains with require_mixing=False, or "
            "use another method",
            code="no-convergence",
        )
    return _result(data, report, classes, level)


@dataclass(slots=True)
class _Sampler:
    """State of all chains: arrays with one row a chain."""

    rng: np.random.Generator
    patterns: FloatArray
    counts: NDArray[np.int64]
    n: int
    limit: float
    prior: tuple[float, float]
    log_on: FloatArray  # (C, K, t)
    log_off: FloatArray
    log_pi: FloatArray  # (C, K)
    alpha: FloatArray  # (C,)
    unseen: NDArray[np.int64]
    unseen_classes: NDArray[np.int64]
    capped: int = 0

    @classmethod
    def start(
        cls,
        data: CaptureHistories,
        classes: int,
        chains: int,
        cap: float | None,
        prior: tuple[float, float],
        seed: int,
    ) -> _Sampler:
        rng = np.random.Generator(np.random.SFC64(seed))
        # Nearly everybody in the first class, whose probabilities are those of independent lists: classes
        # are then born when the data ask for them. From many classes the way to few takes very long.
        shares = (data.patterns * data.counts[:, None]).sum(axis=0) / data.n_observed
        on = rng.beta(1.0, 1.0, (chains, classes, data.n_lists))
        on[:, 0] = np.clip(shares * rng.uniform(0.2, 1.0, (chains, 1)), 0.001, 0.999)
        stick = rng.beta(1.0, _FIRST_ALPHA, (chains, classes))
        rest = np.cumprod(np.clip(1 - stick, 1e-6, 1), axis=1)
        pi = np.column_stack([stick[:, 0], stick[:, 1:] * rest[:, :-1]])
        return cls(
            rng,
            data.patterns.astype(float),
            data.counts.astype(np.int64),
            data.n_observed,
            np.inf if cap is None else cap * data.n_observed,
            prior,
            np.log(np.clip(on, _TINY, 1)),
            np.log(np.clip(1 - on, _TINY, 1)),
            np.log(np.maximum(pi, _TINY)),
            np.full(chains, _FIRST_ALPHA),
            np.zeros(chains, dtype=np.int64),
            np.zeros((chains, classes), dtype=np.int64),
        )

    def run(self, burn_in: int, draws: int, thin: int) -> FloatArray:
        """Sweep and keep the number unseen, shape (chains, draws)."""
        kept = np.empty((len(self.alpha), draws))
        for i in range(burn_in):
            self.sweep(fixed=i < min(_FIXED_SWEEPS, burn_in // 2))
        for i in range(draws):
            for _ in range(thin):
                self.sweep()
            kept[:, i] = self.unseen
        return kept

    def sweep(self, *, fixed: bool = False) -> None:
        """One Gibbs sweep of every chain."""
        k, t = self.log_on.shape[1:]
        chain = np.arange(len(self.alpha))
        score = self.log_on - self.log_off  # log odds of being on each list
        none = self.log_pi + self.log_off.sum(axis=2)
        log_weight = self.patterns @ score.transpose(0, 2, 1) + none[:, None, :]
        seen = self._allocate(log_weight, self.counts)
        ones = np.matmul(self.patterns.T, seen.astype(float)).transpose(0, 2, 1)
        size = seen.sum(axis=1) + self.unseen_classes
        self._swap_labels(chain, size, ones)
        later = np.cumsum(size[:, ::-1], axis=1)[:, ::-1] - size
        shapes = [
            1 + ones.reshape(-1, k * t),
            1 + (size[:, :, None] - ones).reshape(-1, k * t),
            1.0 + size[:, :-1],
            self.alpha[:, None] + later[:, :-1],
        ]
        gammas = np.maximum(self.rng.standard_gamma(np.concatenate(shapes, axis=1)), 1e-300)
        on, off = gammas[:, : k * t].reshape(-1, k, t), gammas[:, k * t : 2 * k * t].reshape(-1, k, t)
        both = np.log(on + off)
        self.log_on, self.log_off = np.log(on) - both, np.log(off) - both
        self._sticks(gammas[:, 2 * k * t : 2 * k * t + k - 1], gammas[:, 2 * k * t + k - 1 :])
        self._unseen()
        if not fixed:
            shape, rate = self.prior[0] + k - 1, self.prior[1] - self.log_pi[:, -1]
            self.alpha = np.maximum(self.rng.standard_gamma(shape, len(self.alpha)) / rate, 1e-10)

    def _swap_labels(self, chain: NDArray[np.int64], size: NDArray[np.int64], ones: FloatArray) -> None:
        """Exchange the members of two classes, their probabilities staying (a Metropolis step).

        Papaspiliopoulos & Roberts (2008) Biometrika 95:169-186: sticks come in order, so that a class in the
        wrong place is otherwise stuck there. The members' capture probabilities are drawn afterwards.
        """
        k = size.shape[1]
        first = self.rng.integers(0, k - 1, len(chain))
        second = first + 1
        gain = (size[chain, second] - size[chain, first]) * (
            self.log_pi[chain, first] - self.log_pi[chain, second]
        )
        go = np.log(self.rng.random(len(chain))) < gain
        i, a, b = chain[go], first[go], second[go]
        for part in (size, ones):
            part[i, a], part[i, b] = part[i, b].copy(), part[i, a].copy()

    def _allocate(self, log_weight: FloatArray, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Multinomial draws along the last axis."""
        weight = np.exp(log_weight - log_weight.max(axis=-1, keepdims=True))
        weight /= weight.sum(axis=-1, keepdims=True)
        return self.rng.multinomial(counts, weight)

    def _sticks(self, here: FloatArray, later: FloatArray) -> None:
        """Log class probabilities from the gammas of the stick proportions."""
        both = np.log(here + later)
        rest = np.cumsum(np.maximum(np.log(later) - both, -60.0), axis=1)
        self.log_pi[:, 0] = 0.0
        self.log_pi[:, 1:] = rest
        self.log_pi[:, :-1] += np.log(here) - both

    def _unseen(self) -> None:
        """Number unseen, capped by drawing again, and their classes."""
        log_none = self.log_pi + self.log_off.sum(axis=2)
        missed = np.clip(np.exp(log_none).sum(axis=1), 0.0, 1 - 1e-10)
        # A negative binomial as a Poisson with gamma mean; the mean is bounded to what a Poisson can take.
        rate = missed / (1 - missed)
        draw = self._poisson_gamma(rate)
        above = draw > self.limit
        self.capped += int(above.sum())
        for _ in range(_REDRAWS):
            if not above.any():
                break
            draw[above] = self._poisson_gamma(rate[above])
            above = draw > self.limit
        if above.any():
            draw[above] = np.int64(self.limit)
        self.unseen = draw
        self.unseen_classes = self._allocate(log_none, draw)

    def _poisson_gamma(self, rate: FloatArray) -> NDArray[np.int64]:
        mean = np.minimum(self.rng.standard_gamma(self.n, len(rate)) * rate, 1e15)
        return self.rng.poisson(mean)


def _result(data: CaptureHistories, report: ChainReport, classes: int, level: float) -> PopulationSize:
    tail = 0.5 - level / 2
    return PopulationSize(
        method=f"Dirichlet-process latent classes (up to {classes})",
        model=f"{classes} latent classes",
        estimate=report.quantile(0.5),
        se=float(report.draws.std()),
        ci_low=report.quantile(tail),
        ci_high=report.quantile(1 - tail),
        level=level,
        ci_method="posterior quantiles",
        n=data.n_observed,
        lists=data.lists,
        diagnostics={
            "posterior_mean": float(report.draws.mean()),
            "r_hat": report.r_hat,
            "ess": report.ess,
            "n_modes": float(report.n_modes),
            "share_at_cap": report.share_at_cap,
        },
        replicates=report.draws.ravel(),
        detail=report,
        assumptions=_ASSUMPTIONS,
        notes=(*data.notes, *report.warnings()),
    )


def _check(
    data: CaptureHistories, classes: int, chains: int, burn_in: int, draws: int, thin: int, cap: float | None
) -> None:
    if data.n_lists < 3:
        raise EstimationError(
            "two lists cannot identify latent classes: the posterior would be the prior's",
            found=f"{data.n_lists} lists",
            expected="three lists or more",
            code="not-identifiable",
        )
    require_overlap(data, "latent classes")
    for name, value, least in (
        ("classes", classes, 2),
        ("chains", chains, 2),
        ("burn_in", burn_in, 0),
        ("draws", draws, 4),
        ("thin", thin, 1),
    ):
        if value < least or value != int(value):
            raise EstimationError(
                "the sampler's settings are whole numbers",
                where=name,
                found=f"{value:g}",
                expected=f"{least} or more",
            )
    if cap is not None and not cap > 0:
        raise EstimationError(
            "the cap is a multiple of the people observed, above 0", where="cap", found=f"{cap:g}"
        )
