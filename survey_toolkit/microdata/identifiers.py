"""Columns that name a person: recognised with the reason told, and removed on request.

A direct identifier tells by itself who a person is or where to find them: a name, a telephone number, an
e-mail or street address, a position, a number on a document, a device. Free text is taken with them,
because nobody knows what stands in it. Keys of households and persons are no direct identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.microdata._identity import recognised
from survey_toolkit.microdata.model import MISSING_SUFFIX, Microdata

__all__ = ["Identifier", "find_identifiers", "strip_identifiers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A column that names a person: ``kind`` and the reason it was taken for one."""

    name: str
    kind: str
    reason: str


def find_identifiers(data: Microdata) -> tuple[Identifier, ...]:
    """Recognise direct identifiers by their names, labels and the form of what stands in them.

    Parameters
    ----------
    data : Microdata

    Returns
    -------
    tuple of Identifier
        In the order of the columns. A recognition is a guess: read the list, and look at the other
        text columns too.

    Examples
    --------
    >>> import pandas as pd
    >>> people = Microdata.from_frame(pd.DataFrame({"resp_name": ["A. B.", "C. D."], "age": [31, 40]}))
    >>> [(i.name, i.kind, i.reason) for i in find_identifiers(people)]
    [('resp_name', 'name', "its name holds 'name'")]
    """
    out = []
    for variable in data.variables.values():
        found = recognised(data.frame[variable.name], variable)
        if found is not None:
            out.append(Identifier(name=variable.name, kind=found[0], reason=found[1]))
    return tuple(out)


def strip_identifiers(data: Microdata, *, also: Iterable[str] = (), keep: Iterable[str] = ()) -> Microdata:
    """Remove the columns recognised as direct identifiers; the notes name them.

    Parameters
    ----------
    data : Microdata
    also : iterable of str
        Further columns to remove.
    keep : iterable of str
        Columns to leave, although recognised.

    Raises
    ------
    SurveyToolkitError
        A column of ``also`` or ``keep`` is not in the data; a key of harmonized data is to be removed.

    Examples
    --------
    >>> import pandas as pd
    >>> people = Microdata.from_frame(pd.DataFrame({"phone": ["+855 12 345 678"], "age": [31]}))
    >>> list(strip_identifiers(people).frame.columns)
    ['age']
    """
    also, keep = tuple(also), frozenset(keep)
    for name in (*also, *sorted(keep)):
        if name not in data.variables:
            raise SurveyToolkitError(
                "no such column",
                where=data.source.name,
                found=f"'{name}'",
                expected=did_you_mean(name, data.variables),
                code="missing-column",
            )
    found = [i for i in find_identifiers(data) if i.name not in keep and i.name not in data.keys]
    gone = dict.fromkeys([*(i.name for i in found), *also])
    lost_keys = [name for name in gone if name in data.keys]
    if lost_keys:
        raise SurveyToolkitError(
            "a key cannot be removed", found=", ".join(lost_keys), hint="replace its codes by numbers instead"
        )
    if not gone:
        return data
    drop = [c for c in data.frame.columns if c in gone or c.removesuffix(MISSING_SUFFIX) in gone]
    note = f"identifiers removed: {', '.join(gone)}"
    return data.replace(
        frame=data.frame.drop(columns=drop),
        variables={n: v for n, v in data.variables.items() if n not in gone},
        notes=(*data.notes, note),
    )
