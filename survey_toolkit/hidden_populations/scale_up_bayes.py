r"""Bayesian scale-up: random degrees, and overdispersed counts.

``random_degree`` (Maltiel et al. 2015): :math:`y_{ik} \sim \mathrm{Bin}(d_i, N_k/N)` with log-normal degrees;
known sizes are exact. ``overdispersed`` (Zheng, Salganik and Gelman 2006):

.. math:: y_{ik} \sim \mathrm{NegBin}(\text{mean } e^{\alpha_i + \beta_k},
   \text{variance } \omega_k e^{\alpha_i + \beta_k}), \quad
   \alpha_i \sim N(\mu_\alpha, \sigma_\alpha^2), \; \beta_k \sim N(\mu_\beta, \sigma_\beta^2)

where only :math:`\alpha_i + \beta_k` is identified: each draw is scaled so that the known groups have their
size. The samplers stand in :mod:`~survey_toolkit.hidden_populations.scale_up_chains`. Neither model knows the
survey design: use them to learn about overdispersion and barriers, and the design-based ratio for the
published size.

References
----------
Zheng, Salganik and Gelman (2006), JASA 101:409-423; Maltiel, Raftery, McCormick and Baraff (2015), *Annals of
Applied Statistics* 9:1247-1277.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from survey_toolkit._chains import effective_draws, split_r_hat
from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Floats
from survey_toolkit.hidden_populations.scale_up import NetworkReports
from survey_toolkit.hidden_populations.scale_up_chains import (
    Chain,
    OverdispersedPrior,
    overdispersed_chain,
    random_degree_chain,
)

__all__ = ["OverdispersedPrior", "ScaleUpPosterior", "bayes_scale_up"]

Model = Literal["overdispersed", "random_degree"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScaleUpPosterior:
    """Posterior of hidden sizes.

    Attributes
    ----------
    model : str
    groups : tuple of str
        Hidden groups.
    draws : float array (chains, draws, groups)
        Persons.
    mean_degree : float array (chains, draws)
    overdispersion : float array (chains, draws, all groups) or None
        omega by group, known groups first.
    rhat, effective_draws : float array (groups,)
    acceptance : float
    seed : int
    notes : tuple of str
    """

    model: str
    groups: tuple[str, ...]
    draws: Floats
    mean_degree: Floats
    overdispersion: Floats | None
    rhat: Floats
    effective_draws: Floats
    acceptance: float
    seed: int
    notes: tuple[str, ...]

    def quantiles(self, probabilities: Sequence[float] = (0.025, 0.5, 0.975)) -> Floats:
        """Posterior quantiles, (probabilities, groups)."""
        return np.asarray(np.quantile(self.draws.reshape(-1, len(self.groups)), probabilities, axis=0))

    def to_frame(self) -> Any:
        """One row a group: median, sd, 95 % interval, R-hat.

        Returns
        -------
        pandas.DataFrame
        """
        import pandas as pd

        low, middle, high = self.quantiles()
        return pd.DataFrame(
            {
                "group": self.groups,
                "estimate": middle,
                "se": self.draws.reshape(-1, len(self.groups)).std(axis=0, ddof=1),
                "ci_low": low,
                "ci_high": high,
                "rhat": self.rhat,
                "effective_draws": self.effective_draws,
            }
        )

    def __repr__(self) -> str:
        head = f"ScaleUpPosterior ({self.model}), {self.draws[..., 0].size:,} draws"
        rows = [
            f"  {g}: {m:,.0f} ({a:,.0f} to {b:,.0f}), R-hat {r:.3f}"
            for g, a, m, b, r in zip(self.groups, *self.quantiles(), self.rhat, strict=True)
        ]
        return "\n".join([head, *rows, *(f"  note: {text}" for text in self.notes)])


def bayes_scale_up(
    reports: NetworkReports,
    *,
    model: Model = "overdispersed",
    reference: Sequence[str] | None = None,
    balance: tuple[Sequence[str], Sequence[str]] | None = None,
    prior: OverdispersedPrior | None = None,
    chains: int = 2,
    draws: int = 1500,
    burn_in: int = 1000,
    thin: int = 3,
    seed: int = 1,
) -> ScaleUpPosterior:
    """Posterior of the sizes of hidden groups.

    Parameters
    ----------
    reports : NetworkReports
    model : {"overdispersed", "random_degree"}
    reference : sequence of str, optional
        Known groups that fix the scale of the overdispersed model; all of them by default.
    balance : two sequences of str, optional
        Known groups of the two sexes (Zheng et al., section 4.2): half the difference of their scales is
        added, when the reference groups are all of the first.
    prior : OverdispersedPrior, optional
    chains, draws, burn_in, thin : int
    seed : int

    Returns
    -------
    ScaleUpPosterior

    Raises
    ------
    EstimationError
        For an unknown model or group, or no known group.
    """
    if not reports.known:
        raise EstimationError("the model needs groups of known size", where="known")
    asked = [*(reference or ()), *(balance[0] if balance else ()), *(balance[1] if balance else ())]
    unknown = [g for g in asked if g not in reports.known]
    if unknown:
        raise EstimationError("these are no known groups", where="reference", found=", ".join(unknown))
    runs, scale = _run(
        reports,
        model,
        reference,
        balance,
        prior or OverdispersedPrior(),
        chains,
        (draws, burn_in, thin),
        seed,
    )
    k = len(reports.known)
    log_size = np.stack([r.beta[:, k:] - c[:, None] for r, c in zip(runs, scale, strict=True)])
    chains_of = [log_size[:, :, j] for j in range(len(reports.hidden))]
    rhat = np.array([split_r_hat(chain) for chain in chains_of])
    notes = list(reports.notes) + (
        ["the chains have not mixed: take more draws"] if rhat.max() > 1.05 else []
    )
    return ScaleUpPosterior(
        model=model,
        groups=reports.hidden,
        draws=reports.population * np.exp(log_size),
        mean_degree=np.stack([r.first * np.exp(c) for r, c in zip(runs, scale, strict=True)]),
        overdispersion=np.stack([r.omega for r in runs]) if model == "overdispersed" else None,
        rhat=rhat,
        effective_draws=np.array([effective_draws(chain) for chain in chains_of]),
        acceptance=float(np.mean([r.acceptance for r in runs])),
        seed=seed,
        notes=tuple(notes),
    )


def _run(
    reports: NetworkReports,
    model: str,
    reference: Sequence[str] | None,
    balance: tuple[Sequence[str], Sequence[str]] | None,
    prior: OverdispersedPrior,
    chains: int,
    plan: tuple[int, int, int],
    seed: int,
) -> tuple[list[Chain], list[Floats]]:
    """Chains, and how far each of their draws is off the scale of the known groups."""
    names = [*reports.known, *reports.hidden]
    counts = np.rint(np.stack([reports.reports[g] for g in names], axis=1))
    shares = np.array(list(reports.known.values())) / reports.population
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(chains)]
    if model == "random_degree":
        runs = [random_degree_chain(counts, shares, plan, rng) for rng in streams]
        scale = [np.zeros(len(run.first)) for run in runs]
    elif model == "overdispersed":
        runs = [overdispersed_chain(counts, shares, plan, rng, prior) for rng in streams]
        place = {g: j for j, g in enumerate(names)}
        groups = (
            [place[g] for g in reference or reports.known],
            [[place[g] for g in side] for side in balance or ()],
        )
        scale = [_shift(run.beta, shares, *groups) for run in runs]
    else:
        raise EstimationError(
            "unknown model", where="model", found=model, expected="overdispersed, random_degree"
        )
    return runs, scale


def _shift(beta: Floats, shares: Floats, reference: list[int], balance: list[list[int]]) -> Floats:
    """How far each draw is off the scale of the known groups, (draws,)."""

    def off(groups: list[int]) -> Floats:
        return np.asarray(np.log(np.exp(beta[:, groups]).sum(axis=1) / shares[groups].sum()))

    shift = off(reference)
    return shift + 0.5 * (off(balance[1]) - off(balance[0])) if balance else shift
