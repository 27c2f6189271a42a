r"""Item count (list experiment): respondents say how many items of a list apply, never which.

A random half has the sensitive item on its list. The difference between the mean counts estimates its
prevalence; models use covariates, and tests look for lists that change the other answers.

References
----------
Droitcour et al. (1991) in *Measurement Errors in Surveys*, ch. 11; Blair and Imai (2012), *Political
Analysis* 20:47-77; Aronow et al. (2015), *Journal of Survey Statistics and Methodology* 3:43-66.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit.errors import EstimationError
from survey_toolkit.estimation import Estimates
from survey_toolkit.hidden_populations._plain import plain_estimates
from survey_toolkit.hidden_populations._sample import By, Flags, Floats, Labelled, Sample, open_sample

if TYPE_CHECKING:
    from survey_toolkit.hidden_populations.item_count_models import ItemCountModel
    from survey_toolkit.hidden_populations.item_count_tests import DesignEffectTest

__all__ = ["CombinedEstimate", "ItemCount", "double_list", "item_count"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ItemCount:
    """Answers to one list.

    Attributes
    ----------
    sample : Sample
    count : float array (n,)
        Items that apply; 0 for rows that are left out.
    treated : bool array (n,)
        The list had the sensitive item.
    used : bool array (n,)
        Rows with an answer and a list.
    items : int
        Items of the control list, J.
    name : str
    notes : tuple of str
    """

    sample: Sample
    count: Floats
    treated: Flags
    used: Flags
    items: int
    name: str
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        a, b = int((self.used & self.treated).sum()), int((self.used & ~self.treated).sum())
        return f"ItemCount of {self.name}: {a:,} with the sensitive item, {b:,} without, {self.items} items"

    def difference(self, by: By = None, *, level: float = 0.95) -> Estimates:
        """Prevalence as the difference between mean counts.

        Parameters
        ----------
        by : str or sequence of str, optional
        level : float

        Returns
        -------
        Estimates
            With a design, Taylor or replicate variance and its t interval; without one (and without
            domains), the unpooled two-sample variance and a normal interval. It may lie outside 0-1 and is
            given as it is.
        """
        named = Labelled(
            statistic="proportion", variable=self.name, unit="proportion",
            method="item count, difference in means", notes=self.notes,
        )  # fmt: skip
        if not self.sample.designed and by is None:
            return self._two_samples(named, level)
        return self.sample.smooth(
            self._columns(),
            lambda t: {"": t["y1"] / t["n1"] - t["y0"] / t["n0"]},
            {"": self.used & self.treated},
            named,
            by=by,
            used=self.used,
            level=level,
        )

    def means(self, by: By = None, *, level: float = 0.95) -> Estimates:
        """Mean count on each list.

        Parameters
        ----------
        by : str or sequence of str, optional
        level : float

        Returns
        -------
        Estimates
            Rows ``treatment`` and ``control``.
        """
        return self.sample.smooth(
            self._columns(),
            lambda t: {"treatment": t["y1"] / t["n1"], "control": t["y0"] / t["n0"]},
            {"treatment": self.used & self.treated, "control": self.used & ~self.treated},
            Labelled(
                statistic="mean", variable=self.name, unit="items", method="mean count", column="list",
                notes=self.notes,
            ),
            by=by,
            used=self.used,
            level=level,
        )  # fmt: skip

    def combined(self, direct: str, *, level: float = 0.95) -> CombinedEstimate:
        """Combine the list with a direct question that some answer with yes (Aronow et al. 2015).

        Parameters
        ----------
        direct : str
            0-1 column. Who says yes is believed; the list is for those who say no.
        level : float

        Returns
        -------
        CombinedEstimate

        Raises
        ------
        EstimationError
            If a direct answer is not 0 or 1.
        """
        answer = self.sample.numbers(direct)
        known = self.used & ~np.isnan(answer)
        if not np.isin(answer[known], (0.0, 1.0)).all():
            raise EstimationError("a direct answer must be 0 or 1", where=direct, hint="recode it")
        yes = known & (np.nan_to_num(answer) == 1)
        no, t, c = known & ~yes, self.treated, ~self.treated
        parts = {"yes": yes, "all": known, "nt": no & t, "nc": no & c, "yt": yes & t, "yc": yes & c}
        parts |= {"t": known & t, "c": known & c}
        columns = {name: rows.astype(np.float64) for name, rows in parts.items()}
        columns |= {f"y_{name}": self.count * parts[name] for name in ("nt", "nc", "yt", "yc", "t", "c")}
        result = self.sample.smooth(
            columns,
            _combined_of,
            {"combined": yes | (known & t), "conventional": known & t, "direct": yes, "placebo": yes & t},
            Labelled(
                statistic="proportion", variable=self.name, unit="proportion", column="estimator",
                method="item count combined with the direct question", notes=self.notes,
            ),
            used=known,
            level=level,
        )  # fmt: skip
        return CombinedEstimate(estimates=result, n_used=int(known.sum()))

    def design_effect_test(self, *, selection: str = "own") -> DesignEffectTest:
        """Test whether the sensitive item changed the answers to the others.

        Parameters
        ----------
        selection : {"own", "spread", "none"}
            Which moments are dropped as clearly positive; see
            :func:`~survey_toolkit.hidden_populations.item_count_tests.design_effect_test`.

        Returns
        -------
        DesignEffectTest
        """
        from survey_toolkit.hidden_populations.item_count_tests import design_effect_test

        return design_effect_test(self, selection=selection)

    def model(self, covariates: Sequence[str], method: str = "ml", **options: Any) -> ItemCountModel:
        """Regress the sensitive item on covariates.

        Parameters
        ----------
        covariates : sequence of str
        method : {"ml", "nls", "linear"}
        **options
            ``liars`` for ``ml``; see
            :func:`~survey_toolkit.hidden_populations.item_count_models.fit_item_count`.

        Returns
        -------
        ItemCountModel
        """
        from survey_toolkit.hidden_populations.item_count_models import fit_item_count

        return fit_item_count(self, covariates, method=method, **options)

    @property
    def control_shares(self) -> tuple[float, float]:
        """Weighted shares of the control group at the floor (no item) and at the ceiling (all items).

        Where they are large, a respondent who has the sensitive item may be exposed and deny it.
        """
        w = self.sample.weights * (self.used & ~self.treated)
        return (
            float((w * (self.count == 0)).sum() / w.sum()),
            float((w * (self.count == self.items)).sum() / w.sum()),
        )

    def _columns(self) -> dict[str, Floats]:
        t = (self.used & self.treated).astype(np.float64)
        c = (self.used & ~self.treated).astype(np.float64)
        return {"y1": self.count * t, "n1": t, "y0": self.count * c, "n0": c}

    def _two_samples(self, named: Labelled, level: float) -> Estimates:
        a, b = self.count[self.used & self.treated], self.count[self.used & ~self.treated]
        variance = a.var(ddof=1) / a.size + b.var(ddof=1) / b.size
        return plain_estimates(
            named,
            [""],
            np.array([a.mean() - b.mean()]),
            np.array([[variance]]),
            np.array([float(a.size + b.size)]),
            positive=np.array([float(a.size)]),
            level=level,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CombinedEstimate:
    """List and direct question together.

    Attributes
    ----------
    estimates : Estimates
        Rows ``combined``, ``conventional`` (the list alone), ``direct``, and ``placebo``: the list estimate
        among those who said yes directly, which should be 1.
    n_used : int
        Respondents with a list, a count and a direct answer.
    """

    estimates: Estimates
    n_used: int


def _combined_of(t: Mapping[str, Any]) -> dict[str, Any]:
    p = t["yes"] / t["all"]
    return {
        "combined": p + (1 - p) * (t["y_nt"] / t["nt"] - t["y_nc"] / t["nc"]),
        "conventional": t["y_t"] / t["t"] - t["y_c"] / t["c"],
        "direct": p,
        "placebo": t["y_yt"] / t["yt"] - t["y_yc"] / t["yc"],
    }


def item_count(
    data: Any, count: str, treatment: str, *, items: int | None = None, design: Any = None
) -> ItemCount:
    """Read a list experiment.

    Parameters
    ----------
    data : Survey, frame or path
    count : str
        Number of items that apply.
    treatment : str
        1: the list had the sensitive item; 0: it had not.
    items : int, optional
        Items of the control list; default: the largest count of the control group.
    design : SurveyDesign, optional

    Returns
    -------
    ItemCount
        Rows without a count or a list are left out and counted; they keep their place in the design.

    Raises
    ------
    EstimationError
        If a count is no whole number, negative or above the items of its list, or a group is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"y": [1, 2, 2, 3, 1, 2, 1, 2], "t": [1, 1, 1, 1, 0, 0, 0, 0]})
    >>> item_count(rows, "y", "t", items=3).difference().estimate
    array([0.5])
    """
    sample = open_sample(data, design)
    values, group = sample.numbers(count), sample.numbers(treatment)
    used = ~np.isnan(values) & ~np.isnan(group)
    if not np.isin(group[used], (0.0, 1.0)).all():
        raise EstimationError("the list must be coded 0 (control) and 1 (treatment)", where=treatment)
    treated = used & (np.nan_to_num(group) == 1)
    control = used & ~treated
    if not treated.any() or not control.any():
        raise EstimationError("one of the two lists was given to nobody", where=treatment)
    items = int(values[control].max()) if items is None else items
    _check_counts(values, treated, control, items, count)
    gone = int((~used).sum())
    notes = (f"{gone} rows without a count or a list are left out",) if gone else ()
    return ItemCount(
        sample=sample, count=np.where(used, values, 0.0), treated=treated, used=used, items=items,
        name=count, notes=notes,
    )  # fmt: skip


def _check_counts(values: Floats, treated: Flags, control: Flags, items: int, name: str) -> None:
    given = values[treated | control]
    if (given < 0).any() or (given != np.floor(given)).any():
        raise EstimationError(
            "a count must be a whole number of at least 0", where=name, hint="are codes for refusals left?"
        )
    above = int((values[control] > items).sum()), int((values[treated] > items + 1).sum())
    if sum(above):
        raise EstimationError(
            "more items than the list has",
            where=name,
            found=f"{above[0]} rows of the control list, {above[1]} of the other",
            expected=f"at most {items} and {items + 1}",
            hint="check items=, or the group of these rows",
            code="too-many-items",
        )


def double_list(
    data: Any,
    count_a: str,
    count_b: str,
    treatment: str,
    *,
    items: int | None = None,
    design: Any = None,
    level: float = 0.95,
) -> Estimates:
    """Two lists for the same sensitive item, each the control of the other group.

    Parameters
    ----------
    data : Survey, frame or path
    count_a, count_b : str
        Counts on the lists; everybody answered both.
    treatment : str
        1: the sensitive item stood on list a; 0: on list b.
    items : int, optional
    design : SurveyDesign, optional
    level : float

    Returns
    -------
    Estimates
        Rows ``double`` (the mean of both differences, with their covariance), ``list a``, ``list b``; the
        two lists should agree.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"a": [2, 3, 1, 2], "b": [1, 1, 2, 1], "t": [1, 1, 0, 0]})
    >>> double_list(rows, "a", "b", "t", items=3).estimate
    array([0.75, 1.  , 0.5 ])
    """
    first = item_count(data, count_a, treatment, items=items, design=design)
    flipped = first.sample.numbers(treatment)
    frame = first.sample.frame.assign(__mirror__=1.0 - flipped)
    second = item_count(frame, count_b, "__mirror__", items=items)
    used = first.used & second.used
    first, second = (replace(x, used=used) for x in (first, second))
    columns = {f"a_{k}": v for k, v in first._columns().items()}
    columns |= {f"b_{k}": v for k, v in second._columns().items()}

    def of_totals(t: Mapping[str, Any]) -> dict[str, Any]:
        a = t["a_y1"] / t["a_n1"] - t["a_y0"] / t["a_n0"]
        b = t["b_y1"] / t["b_n1"] - t["b_y0"] / t["b_n0"]
        return {"double": (a + b) / 2, "list a": a, "list b": b}

    return first.sample.smooth(
        columns,
        of_totals,
        dict.fromkeys(("double", "list a", "list b"), used),
        Labelled(
            statistic="proportion", variable=f"{count_a}, {count_b}", unit="proportion", column="estimator",
            method="double list, difference in means", notes=first.notes,
        ),
        used=used,
        level=level,
    )  # fmt: skip
