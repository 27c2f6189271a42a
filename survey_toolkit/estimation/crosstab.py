r"""Two-way tables with tests of independence that know the design.

With cell proportions p, their design-based covariance V and their covariance under simple random sampling
:math:`P`, Pearson's statistic is distributed as :math:`\sum \lambda_j \chi^2_1`, the :math:`\lambda_j`
being the eigenvalues of :math:`(C'D^{-1}PD^{-1}C)^{-1} C'D^{-1}VD^{-1}C`, where C spans the interaction
and D holds p (Rao and Scott 1984). ``F`` is their second-order correction with Thomas and Rao's (1987)
F distribution, the default of R's survey and of Stata. ``exact`` inverts the distribution of the sum itself,
over a chi-square of d₀ν degrees of freedom; ``lincom`` and ``saddlepoint`` approximate it as R does (they are
one and the same there without the package CompQuadForm), with d₀ν rounded down.

With replicate weights R differs in two tests: ``lincom`` and ``saddlepoint`` drop the denominator (too small
a p where ν is small), and ``Wald`` linearises the cells where each replicate here gives residuals of its own.
In a calibrated design R counts ν over all rows, not over those of the domain.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np

from survey_toolkit.errors import EstimationError, did_you_mean
from survey_toolkit.estimation.chi_square_sums import chi_square_sf, f_sf, weighted_sum_sf
from survey_toolkit.estimation.codes import Floats, Ints, factorize, sum_by
from survey_toolkit.estimation.intervals import proportion_interval
from survey_toolkit.estimation.model_cells import ModelCells
from survey_toolkit.estimation.model_covariance import covariance
from survey_toolkit.estimation.tests_of_hypotheses import HypothesisTest, quadratic_form

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CHI_SQUARE_TESTS", "Crosstab", "Margin", "crosstab"]

Margin: TypeAlias = Literal["total", "row", "column"]

CHI_SQUARE_TESTS: Final = ("F", "Chisq", "Wald", "adjWald", "exact", "lincom", "saddlepoint")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Crosstab:
    """A weighted two-way table: r rows by c columns. Arrays are read-only.

    Attributes
    ----------
    row, column : str
        Variables.
    row_levels, column_levels : tuple
    margin : {"total", "row", "column"}
        What the shares add up to.
    share, se, ci_low, ci_high : float array (r, c)
        Shares (0-1) of the table, its rows or its columns, with logit limits.
    population : float array (r, c)
        Sums of weights.
    n : float array (r, c)
        Unweighted rows.
    df : float
        PSUs minus strata that hold rows of the subpopulation.
    test : HypothesisTest
        Of independence, as asked.
    deltas : float array ((r-1)(c-1),)
        Generalised design effects λ.
    pearson : float
        Pearson's X² of the weighted shares times the rows with both variables.
    method : str
    notes : tuple of str
    """

    row: str
    column: str
    row_levels: tuple[Any, ...]
    column_levels: tuple[Any, ...]
    margin: Margin
    share: Floats
    se: Floats
    ci_low: Floats
    ci_high: Floats
    population: Floats
    n: Floats
    df: float
    test: HypothesisTest
    deltas: Floats
    pearson: float
    method: str
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("share", "se", "ci_low", "ci_high", "population", "n", "deltas"):
            getattr(self, name).setflags(write=False)

    def to_frame(self) -> pd.DataFrame:
        """One row a cell.

        Returns
        -------
        pandas.DataFrame
            Shape (r c, 8).
        """
        import pandas as pd

        data: dict[str, Any] = {
            self.row: np.repeat(np.array(self.row_levels, dtype=object), len(self.column_levels)),
            self.column: np.tile(np.array(self.column_levels, dtype=object), len(self.row_levels)),
        }
        names = ("share", "se", "ci_low", "ci_high", "population", "n")
        return pd.DataFrame(data | {name: getattr(self, name).reshape(-1) for name in names})

    def _lines(self) -> list[list[str]]:
        lines = [[f"{self.row} / {self.column}", *(str(level) for level in self.column_levels)]]
        for i, level in enumerate(self.row_levels):
            lines.append(
                [str(level), *(f"{p:.4f} ({s:.4f})" for p, s in zip(self.share[i], self.se[i], strict=True))]
            )
        return lines

    def __repr__(self) -> str:
        lines = self._lines()
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        table = ["  ".join(cell.rjust(w) for cell, w in zip(line, widths, strict=True)) for line in lines]
        head = f"shares of the {self.margin} (standard error)"
        return "\n".join([head, *table, repr(self.test), self.method, *self.notes])

    def _repr_html_(self) -> str:
        head, *body = self._lines()

        def line(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        foot = "".join(f"<p>{html.escape(text)}</p>" for text in (repr(self.test), self.method, *self.notes))
        return f"<table>{line(head, 'th')}{''.join(line(row, 'td') for row in body)}</table>{foot}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Weighted totals of the cells; cell k = i c + j."""

    cells: ModelCells
    at: Ints  # (P,): cell of each pattern
    shape: tuple[int, int]

    def totals(self, w: Floats) -> Floats:
        """(r, c) from the weights of the patterns."""
        return sum_by(self.at, w, self.shape[0] * self.shape[1]).reshape(self.shape)

    @property
    def total(self) -> Floats:
        return self.totals(self.cells.by_pattern(self.cells.w))

    def vcov(self, jacobian: Floats, statistic: Callable[[Floats], Floats]) -> Floats:
        """Covariance of K functions of the table, given their derivatives by cell (r c, K)."""
        return covariance(self.cells, jacobian[self.at], lambda w: statistic(self.totals(w)).reshape(-1))


def crosstab(
    cells: ModelCells,
    names: tuple[str, str],
    *,
    test: str = "F",
    margin: Margin = "total",
    level: float = 0.95,
) -> Crosstab:
    """Table of two variables with a test of independence.

    Parameters
    ----------
    cells : ModelCells
        Of the two variables.
    names : (str, str)
    test : str
        One of :data:`CHI_SQUARE_TESTS`.
    margin : {"total", "row", "column"}
    level : float

    Returns
    -------
    Crosstab

    Raises
    ------
    EstimationError
        If an option is unknown, or a variable has one level only.
    """
    if test not in CHI_SQUARE_TESTS:
        raise EstimationError(
            "unknown test of independence",
            where="test",
            found=repr(test),
            expected=", ".join(CHI_SQUARE_TESTS),
            hint=did_you_mean(test, CHI_SQUARE_TESTS),
        )
    levels, table, n = _tabulate(cells, names)
    p = (table.total / table.total.sum()).reshape(-1)
    jacobian = (np.eye(len(p)) - p[None, :]) / table.total.sum()
    vcov = table.vcov(jacobian, lambda total: total / total.sum())
    df = float(cells.df_domain)
    deltas = _deltas(p, vcov, table.shape, cells.n_used)
    pearson = _pearson(p.reshape(table.shape)) * cells.n_used
    label = f"independence of {names[0]} and {names[1]}"
    result = (
        _wald(table, df, label, adjusted=test == "adjWald")
        if test in ("Wald", "adjWald")
        else _rao_scott(test, pearson, deltas, df, label)
    )
    share, se = _shares(table, margin)
    low, high = _limits(share, se, n, margin, df, level)
    return Crosstab(
        row=names[0],
        column=names[1],
        row_levels=levels[0],
        column_levels=levels[1],
        margin=margin,
        share=share,
        se=se,
        ci_low=low,
        ci_high=high,
        population=table.total,
        n=n,
        df=df,
        test=result,
        deltas=deltas,
        pearson=pearson,
        method=cells.method,
        notes=cells.notes(names),
    )


def _limits(
    share: Floats, se: Floats, n: Floats, margin: Margin, df: float, level: float
) -> tuple[Floats, Floats]:
    """Logit limits of the shares, each with the rows it is a share of."""
    counted = {"total": n.sum(), "row": n.sum(axis=1, keepdims=True), "column": n.sum(axis=0, keepdims=True)}
    base = np.broadcast_to(np.asarray(counted[margin], dtype=np.float64), n.shape).reshape(-1)
    interval = proportion_interval(
        "logit", share.reshape(-1), se.reshape(-1), base, np.full(n.size, df), level, events=n.reshape(-1)
    )
    return interval.low.reshape(n.shape), interval.high.reshape(n.shape)


def _tabulate(
    cells: ModelCells, names: tuple[str, str]
) -> tuple[tuple[tuple[Any, ...], tuple[Any, ...]], _Table, Floats]:
    """Levels of both variables, totals by unit and unweighted counts."""
    coded = [factorize(np.asarray(cells.patterns[name])) for name in names]
    (rows, i), (columns, j) = coded
    shape = (len(rows), len(columns))
    for name, codes in zip(names, (rows, columns), strict=True):
        if len(codes) < 2 or len(codes) > 200:
            raise EstimationError(
                "a table needs categories",
                where=name,
                found=f"{len(codes)} levels among the complete rows",
                expected="2 to 200",
                hint="check the condition, or make classes of a number first",
                code="levels",
            )
    table = _Table(cells=cells, at=i * shape[1] + j, shape=shape)
    return (tuple(rows), tuple(columns)), table, table.totals(cells.by_pattern(cells.n))


def _centred(k: int) -> Floats:
    """Basis (k, k-1) of the contrasts of k levels."""
    return np.asarray(np.linalg.qr(np.vstack([-np.ones(k - 1), np.eye(k - 1)]))[0])


def _deltas(p: Floats, vcov: Floats, shape: tuple[int, int], n: float) -> Floats:
    """Generalised design effects of the interaction; empty cells give nothing."""
    c = np.kron(_centred(shape[0]), _centred(shape[1]))
    inverse = np.where(p > 0, 1 / np.where(p > 0, p, 1.0), 0.0)
    under_srs = (c.T * (inverse / n)) @ c
    scaled = c * inverse[:, None]
    if np.linalg.cond(under_srs) > 1e12:
        raise EstimationError(
            "too many cells of the table are empty for a test",
            found=f"{int((p == 0).sum())} of {len(p)} cells",
            hint="join levels",
            code="empty-cells",
        )
    return np.sort(np.linalg.eigvals(np.linalg.solve(under_srs, scaled.T @ vcov @ scaled)).real)


def _pearson(p: Floats) -> float:
    """Pearson's X² of proportions, for one row."""
    expected = np.outer(p.sum(axis=1), p.sum(axis=0))
    return float(((p - expected) ** 2 / expected).sum())


def _rao_scott(test: str, pearson: float, deltas: Floats, nu: float, label: str) -> HypothesisTest:
    trace, squares = deltas.sum(), (deltas**2).sum()
    effective = float(trace**2 / squares)
    if test == "F":
        statistic = float(pearson / trace)
        return HypothesisTest(
            test=f"Rao-Scott F test of {label}",
            name="F",
            statistic=statistic,
            df=effective,
            df_denominator=effective * nu,
            p_value=f_sf(statistic, effective, effective * nu),
        )
    if test == "Chisq":
        p_value, name = chi_square_sf(pearson / float(deltas.mean()), len(deltas)), "first-order Rao-Scott"
    else:
        how, as_r = ("integration", False) if test == "exact" else ("saddlepoint", True)
        p_value = weighted_sum_sf(pearson, deltas, effective * nu, how, whole_df=as_r)
        name = f"weighted chi-square ({how})"
    return HypothesisTest(
        test=f"{name} test of {label}",
        name="X2",
        statistic=float(pearson),
        df=float(len(deltas)),
        p_value=p_value,
    )


def _wald(table: _Table, nu: float, label: str, *, adjusted: bool) -> HypothesisTest:
    """Wald test of the differences between cell totals and those expected (Koch et al. 1975)."""
    total, shape = table.total, table.shape
    rows, columns, grand = total.sum(axis=1), total.sum(axis=0), total.sum()

    def excess(table: Floats) -> Floats:
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        return np.asarray((table - expected)[1:, 1:], dtype=np.float64)

    unit = np.eye(total.size).reshape(total.size, *shape)
    in_row, in_column = unit.sum(axis=2)[:, :, None], unit.sum(axis=1)[:, None, :]
    jacobian = (
        unit - (in_row * columns + rows[:, None] * in_column) / grand + np.outer(rows, columns) / grand**2
    )
    q = (shape[0] - 1) * (shape[1] - 1)
    vcov = table.vcov(jacobian[:, 1:, 1:].reshape(total.size, q), excess)
    statistic = quadratic_form(excess(total).reshape(-1), vcov) / q
    denominator = nu
    if adjusted:
        denominator = nu - q + 1
        statistic *= denominator / nu
    return HypothesisTest(
        test=f"{'adjusted ' if adjusted else ''}Wald test of {label}",
        name="F",
        statistic=statistic,
        df=float(q),
        df_denominator=denominator,
        p_value=f_sf(statistic, q, denominator),
    )


def _shares(table: _Table, margin: Margin) -> tuple[Floats, Floats]:
    """Shares of the table, its rows or its columns, with standard errors."""
    axes: dict[str, int | tuple[int, int]] = {"total": (0, 1), "row": 1, "column": 0}
    if margin not in axes:
        raise EstimationError("unknown margin", where="margin", found=repr(margin), expected=", ".join(axes))
    axis: Any = axes[margin]

    def shares(total: Floats) -> Floats:
        return np.asarray(total / total.sum(axis=axis, keepdims=True))

    total, share = table.total, shares(table.total)
    unit = np.eye(total.size).reshape(total.size, *table.shape)
    within: Any = tuple(a + 1 for a in ((axis,) if isinstance(axis, int) else axis))
    jacobian = (unit - share * unit.sum(axis=within, keepdims=True)) / total.sum(axis=axis, keepdims=True)
    vcov = table.vcov(jacobian.reshape(total.size, -1), shares)
    return share, np.sqrt(np.maximum(np.diagonal(vcov), 0.0)).reshape(table.shape)
