"""The result of an estimation: k estimates with their covariance, plain and printable."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation.codes import Floats
from survey_toolkit.estimation.intervals import t_interval, with_t_interval

if TYPE_CHECKING:
    import pandas as pd

    from survey_toolkit.estimation.replication import Replicates

__all__ = ["Estimates"]

_COLUMNS = (
    "estimate",
    "se",
    "ci_low",
    "ci_high",
    "cv",
    "deff",
    "df",
    "n",
    "n_psu",
    "n_positive",
    "n_undetermined",
)
_BOUNDS = ("bound_low", "bound_high", "bound_ci_low", "bound_ci_high")
_SHOWN = ("estimate", "se", "ci_low", "ci_high", "cv", "deff", "df", "n")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Estimates:
    """k estimates of one statistic, one a domain. Arrays are read-only.

    Attributes
    ----------
    statistic : str
        mean, total, ratio, proportion or contrast.
    variable, unit : str
    domain_names : tuple of str
        Columns of ``domains``; may end with ``"level"`` (category) or ``"variable"`` (several variables).
    domains : tuple of tuple
        Codes of each row, in sorted order.
    estimate, se, ci_low, ci_high, cv, deff, df : float array (k,)
        Proportions are 0-1; ``cv`` is se/|estimate|; NaN where not defined.
    n : float array (k,)
        Unweighted rows with a value.
    n_psu : float array (k,)
        PSUs that hold such a row.
    n_positive : float array (k,)
        Rows whose value is not zero (for a proportion: events).
    n_undetermined : float array (k,)
        Rows of the domain and universe without a value.
    bound_low, bound_high, bound_ci_low, bound_ci_high : float array (k,) or None
        Estimate if every undetermined row were *not met* and *met*, the lower confidence limit of the
        first and the upper one of the second.
    vcov : float array (k, k)
        Covariance of the estimates, domains included.
    flags : tuple of tuple of str
        By row: ``empty_domain``, ``no_events``, ``all_events``, ``no_variance``, ``exact_ci``, ``no_df``,
        ``one_psu``.
    method : str
        Estimator, interval and design in a sentence.
    notes : tuple of str
        What was left out or decided on the way, with counts.
    level : float
        Confidence level.
    df_design : int
        PSUs minus strata of the whole design; with replicates the rank of their weights minus one.
    replicates : Replicates or None
        The estimates of each replicate, where the design has them.
    """

    statistic: str
    variable: str
    unit: str
    domain_names: tuple[str, ...]
    domains: tuple[tuple[Any, ...], ...]
    estimate: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    cv: Floats
    deff: Floats
    df: Floats
    n: Floats
    n_psu: Floats
    n_positive: Floats
    n_undetermined: Floats
    vcov: Floats
    flags: tuple[tuple[str, ...], ...]
    method: str
    notes: tuple[str, ...]
    level: float
    df_design: int
    bound_low: Floats | None = None
    bound_high: Floats | None = None
    bound_ci_low: Floats | None = None
    bound_ci_high: Floats | None = None
    replicates: Replicates | None = None

    def __post_init__(self) -> None:
        k = len(self.domains)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                expected = (k, k) if field.name == "vcov" else (k,)
                if value.shape != expected:
                    raise EstimationError(
                        "a result array has the wrong shape",
                        where=field.name,
                        found=str(value.shape),
                        expected=str(expected),
                    )
                value = value.astype(np.float64)
                value.setflags(write=False)
                object.__setattr__(self, field.name, value)

    def __len__(self) -> int:
        """Number of estimates."""
        return len(self.domains)

    def to_frame(self) -> pd.DataFrame:
        """One row an estimate: domain columns, numbers, flags.

        Returns
        -------
        pandas.DataFrame
            Shape (k, domains + 12), four more with bounds.
        """
        import pandas as pd

        data: dict[str, Any] = {
            name: [domain[i] for domain in self.domains] for i, name in enumerate(self.domain_names)
        }
        data |= {name: getattr(self, name) for name in _COLUMNS}
        data |= {name: getattr(self, name) for name in _BOUNDS if getattr(self, name) is not None}
        data["flags"] = [", ".join(flags) for flags in self.flags]
        frame = pd.DataFrame(data)
        counts = ["n", "n_psu", "n_positive", "n_undetermined"]
        return frame.astype(dict.fromkeys(counts, "Int64"))

    def contrast(
        self, coefficients: Mapping[Any, float] | Sequence[float], *, label: str = "contrast"
    ) -> Estimates:
        """Linear combination of the estimates, with their covariance.

        Parameters
        ----------
        coefficients : mapping of domain to float, or sequence of k floats
            A domain is its tuple of codes, or the code alone when there is one domain column.
        label : str
            Name of the row.

        Returns
        -------
        Estimates
            One row; df is that of the design.

        Raises
        ------
        EstimationError
            If a domain is unknown or the length is wrong.
        """
        c = self._coefficients(coefficients)
        used = c != 0
        with np.errstate(invalid="ignore"):
            estimate = np.array([c[used] @ self.estimate[used]])
            variance = c[used] @ self.vcov[np.ix_(used, used)] @ c[used]
        se = np.array([np.sqrt(max(variance, 0.0)) if not np.isnan(variance) else np.nan])
        df = np.array([float(self.df_design)])
        interval = t_interval(estimate, se, df, self.level)
        unknown = np.array([np.nan])
        with np.errstate(divide="ignore", invalid="ignore"):
            cv = np.where(estimate != 0, se / np.abs(estimate), np.nan)
        return replace(
            self,
            statistic="contrast",
            domain_names=("contrast",),
            domains=((label,),),
            estimate=estimate,
            se=se,
            ci_low=interval.low,
            ci_high=interval.high,
            cv=cv,
            deff=unknown,
            df=df,
            n=np.array([self.n[used].sum()]),
            n_psu=unknown,
            n_positive=np.array([self.n_positive[used].sum()]),
            n_undetermined=np.array([self.n_undetermined[used].sum()]),
            vcov=se[:, None] ** 2,
            replicates=self.replicates and self.replicates.transformed(lambda line: c[used] @ line[used]),
            flags=((),),
            method=f"contrast of {self.statistic}; {with_t_interval(self.method)}",
            bound_low=None,
            bound_high=None,
            bound_ci_low=None,
            bound_ci_high=None,
        )

    def difference(self, first: Any, second: Any) -> Estimates:
        """Estimate of one domain minus that of another, with their covariance.

        Parameters
        ----------
        first, second
            Domains, as in :meth:`contrast`.

        Returns
        -------
        Estimates
            One row.
        """
        a, b = self._index(first), self._index(second)
        c = np.zeros(len(self))
        c[a] += 1.0
        c[b] -= 1.0
        return self.contrast(c.tolist(), label=f"{_text(self.domains[a])} - {_text(self.domains[b])}")

    def function(
        self,
        function: Callable[[Floats], float | Sequence[float]],
        *,
        label: str | Sequence[str] = "function",
    ) -> Estimates:
        """Any function of the estimates, with the variance that their replicates give.

        Parameters
        ----------
        function : callable
            From the k estimates (array) to a number, or to as many as there are labels.
        label : str or sequence of str

        Returns
        -------
        Estimates
            See :func:`~survey_toolkit.estimation.functions.function_of`.
        """
        from survey_toolkit.estimation.functions import function_of  # it makes Estimates itself

        return function_of(self, function, label=label)

    def _coefficients(self, coefficients: Mapping[Any, float] | Sequence[float]) -> Floats:
        if isinstance(coefficients, Mapping):
            out = np.zeros(len(self))
            for domain, value in coefficients.items():
                out[self._index(domain)] = value
            return out
        out = np.asarray(list(coefficients), dtype=np.float64)
        if out.shape != (len(self),):
            raise EstimationError(
                "one coefficient an estimate is needed", found=str(len(out)), expected=str(len(self))
            )
        return out

    def _index(self, domain: Any) -> int:
        key = domain if isinstance(domain, tuple) else (domain,)
        if key not in self.domains:
            raise EstimationError(
                "no such domain among the estimates",
                found=_text(key),
                expected="; ".join(_text(d) for d in self.domains[:8]),
            )
        return self.domains.index(key)

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        bounds = [name for name in _BOUNDS[:2] if getattr(self, name) is not None]
        head = [*self.domain_names, *_SHOWN, *bounds, "flags"]
        rows = []
        for k, domain in enumerate(self.domains):
            numbers = [_number(getattr(self, name)[k]) for name in (*_SHOWN, *bounds)]
            rows.append([*(str(code) for code in domain), *numbers, ", ".join(self.flags[k])])
        return head, rows

    def __repr__(self) -> str:
        head, rows = self._cells()
        widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
        title = f"{self.statistic} of {self.variable} ({self.unit}), {self.level:.0%} intervals"
        lines = [
            "  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in [head, *rows]
        ]
        return "\n".join([title, *(line.rstrip() for line in lines), self.method, *self.notes])

    def _repr_html_(self) -> str:
        """Table for notebooks; codes and names are escaped."""
        head, rows = self._cells()

        def line(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        caption = html.escape(f"{self.statistic} of {self.variable} ({self.unit})")
        foot = "".join(f"<p>{html.escape(note)}</p>" for note in (self.method, *self.notes))
        body = "".join(line(row, "td") for row in rows)
        return (
            f"<table><caption>{caption}</caption><thead>{line(head, 'th')}</thead>"
            f"<tbody>{body}</tbody></table>{foot}"
        )


def _text(domain: tuple[Any, ...]) -> str:
    return ", ".join(str(code) for code in domain) if domain else "all"


def _number(value: float) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.5g}"
