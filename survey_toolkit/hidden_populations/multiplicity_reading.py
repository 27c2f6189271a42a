"""Bring respondents and the persons they report on together, and check them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from survey_toolkit._frames import null_aware, require_columns
from survey_toolkit.errors import EstimationError
from survey_toolkit.hidden_populations._sample import Flags, Floats, Ints, Sample, open_sample
from survey_toolkit.hidden_populations.multiplicity import FamilyNetwork

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["family_network"]


def family_network(
    data: Any,
    persons: Any,
    *,
    id: str,  # the name of the column in every one of the files
    case: str,
    multiplicity: str,
    relation: str | None = None,
    months: str | None = None,
    reference_months: float | None = None,
    design: Any = None,
) -> FamilyNetwork:
    """Bring respondents and the persons they report on together.

    Parameters
    ----------
    data : Survey, frame or path
        One row a respondent.
    persons : frame or path
        One row a person reported on, the respondent included if he or she is a member of the network.
    id : str
        Respondent identifier, in both.
    case : str
        0-1: the person was in the situation.
    multiplicity : str
        Members of the sampling frame who could report the person, the respondent included; at least 1.
    relation : str, optional
    months : str, optional
        Months a case spent in the situation within the reference period.
    reference_months : float, optional
        Length of the reference period, with ``months``.
    design : SurveyDesign, optional
        When ``data`` is a frame.

    Returns
    -------
    FamilyNetwork

    Raises
    ------
    EstimationError
        If a multiplicity is missing or below 1, a respondent is not in the sample or twice in it, a case is
        not 0-1, or a case spent no time or more than the period in the situation.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"id": [1, 2, 3], "w": [10.0, 10, 10]})
    >>> kin = pd.DataFrame({"id": [1, 1, 2, 3], "victim": [0, 1, 0, 1], "reporters": [1, 2, 2, 4]})
    >>> from survey_toolkit.estimation import SurveyDesign
    >>> net = family_network(people, kin, id="id", case="victim", multiplicity="reporters",
    ...                      design=SurveyDesign(weight="w"))
    >>> net.total().estimate
    array([7.5])
    """
    sample = open_sample(data, design)
    lazy = null_aware(persons)
    require_columns(
        lazy,
        [c for c in (id, case, multiplicity, relation, months) if c],
        what="persons of the network",
        error=EstimationError,
    )
    reports = open_sample(persons)
    notes: list[str] = []
    rows = _respondents(sample, reports, id)
    status = reports.numbers(case)
    unknown = np.isnan(status)
    if unknown.any():
        notes.append(f"{int(unknown.sum())} persons whose status is not known are left out")
    _check_zero_one(status[~unknown], case)
    reach = reports.numbers(multiplicity)[~unknown]
    _check_multiplicity(reach, multiplicity)
    spent = None if months is None else reports.numbers(months)[~unknown]
    share = _time_share(spent, status[~unknown], reference_months, months, notes)
    return FamilyNetwork(
        sample=sample,
        respondent=rows[~unknown],
        case=status[~unknown],
        multiplicity=reach,
        relation=_texts(reports.frame[relation][~unknown]) if relation else (),
        share=share,
        months=spent,
        notes=tuple(notes),
    )


def _respondents(sample: Sample, reports: Sample, id: str) -> Ints:
    sample.require([id])
    keys: Any = sample.frame[id]
    if keys.duplicated().any():
        raise EstimationError(
            "a respondent stands in the sample more than once",
            where=id,
            found=f"{int(keys.duplicated().sum())} repeated identifiers",
            hint="respondents are one row each; persons of the network stand in the other table",
        )
    place: Mapping[Any, int] = {key: i for i, key in enumerate(keys)}
    rows = np.array([place.get(key, -1) for key in reports.frame[id]], dtype=np.int64)
    if (rows < 0).any():
        raise EstimationError(
            "persons are reported by respondents who are not in the sample",
            where=id,
            found=f"{int((rows < 0).sum())} of {len(rows)} persons",
            hint="are identifiers of the same type in both tables?",
        )
    return rows


def _check_zero_one(values: Floats, name: str) -> None:
    if not np.isin(values, (0.0, 1.0)).all():
        raise EstimationError("a status must be 0 or 1", where=name, hint="recode it", code="not-zero-one")


def _check_multiplicity(values: Floats, name: str) -> None:
    wrong = np.isnan(values) | (values < 1)
    if wrong.any():
        raise EstimationError(
            "everybody who was reported could be reported by at least one member of the frame",
            where=name,
            found=f"{int(wrong.sum())} persons with none or an unknown number",
            expected="1 or more",
            hint="count the respondent too",
            code="bad-multiplicity",
        )


def _time_share(
    spent: Floats | None, status: Floats, period: float | None, name: str | None, notes: list[str]
) -> Floats | None:
    """Share of the period, person by person; cases of unknown duration get the mean of the known."""
    if spent is None or period is None:
        return None
    if not period > 0:
        raise EstimationError("the reference period must be longer than 0", where="reference_months")
    case: Flags = status > 0
    known = case & ~np.isnan(spent)
    wrong = known & ((spent <= 0) | (spent > period))
    if wrong.any():
        raise EstimationError(
            "the time in the situation must lie within the reference period",
            where=str(name),
            found=f"{int(wrong.sum())} cases",
            expected=f"above 0 and at most {period:g} months",
            hint="count only months within the period",
            code="bad-duration",
        )
    share = np.where(known, spent / period, np.nan)
    gaps = case & ~known
    if gaps.any() and known.any():
        share[gaps] = share[known].mean()
        notes.append(f"{int(gaps.sum())} cases of unknown duration were given the mean of the others")
    elif gaps.any():
        raise EstimationError("no case has a known duration", where=str(name))
    return share


def _texts(column: pd.Series[Any]) -> tuple[str, ...]:
    return tuple("" if none else str(v) for v, none in zip(column.astype(object), column.isna(), strict=True))
