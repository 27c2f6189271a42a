"""Columns that name a person: recognised with the reason told, and removed on request.

A direct identifier tells by itself who a person is or where to find them: a name, a telephone number, an
e-mail or street address, a position, a number on a document, a device. Free text is taken with them,
because nobody knows what stands in it. Keys of households and persons are no direct identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from survey_toolkit.errors import SurveyToolkitError, did_you_mean
from survey_toolkit.microdata._words import holds, tokens
from survey_toolkit.microdata.model import MISSING_SUFFIX, Microdata, Variable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Identifier", "find_identifiers", "strip_identifiers"]

_SAMPLE = 2_000
_MOST = 0.6

_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]{2,}"
_PHONE = r"(?:\+|00?)[\d][\d\s().\-/]{6,18}\d"
_POSITION = r"-?\d{1,2}\.\d{3,}[\s,;]+-?\d{1,3}\.\d{3,}(?:[\s,;]+-?[\d.]+){0,2}"
_DOCUMENT = r"[A-Z]{0,3}\d{8,20}[A-Z0-9]?"
_CONTENT = (("e-mail", _EMAIL), ("phone", _PHONE), ("position", _POSITION))


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Kind to whole words in a column name, and phrases in a label.
_TEXT_WORDS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "name": (
        _set("name firstname lastname surname fullname respname nombre apellido nom prenom nama"),
        ("name of", "first name", "last name", "full name", "second name", "'s name", "surname", "name",
         "nombre", "apellido", "nom et prénom", "prénom", "họ và tên", "tên", "ชื่อ", "ឈ្មោះ", "ຊື່", "အမည်",
         "姓名", "名字"),
    ),
    "address": (
        _set("address street direccion adresse village mailing postal zip domicilio alamat"),
        ("address", "street", "village name", "name of village", "dirección", "adresse", "địa chỉ", "ที่อยู่",
         "អាសយដ្ឋាន", "ທີ່ຢູ່", "地址", "zip/postal code", "mailing city"),
    ),
}  # fmt: skip
_ANY_WORDS: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "phone": (
        _set("phone telephone mobile cellphone tel telefono celular whatsapp homephone"),
        ("phone number", "telephone", "mobile number", "mobile phone", "teléfono", "téléphone",
         "số điện thoại", "โทรศัพท์", "លេខទូរស័ព្ទ", "ເບີໂທ", "电话", "手机"),
    ),
    "e-mail": (frozenset(("email", "mail", "correo")), ("e-mail", "email", "correo electrónico")),
    "position": (
        _set("gps latitude longitude lat lon lng geopoint coordinates"),
        ("gps", "latitude", "longitude", "coordinates", "latitud", "longitud"),
    ),
    "document": (
        _set("passport ssn nid cnic nik cedula nationalid idcard dni"),
        ("passport number", "national id", "identity card", "id card number", "social security number",
         "cédula", "passeport", "căn cước", "chứng minh", "บัตรประชาชน", "身份证"),
    ),
    "device": (
        _set("imei deviceid simserial subscriberid simid macaddress phonenumber"),
        ("device id", "imei", "serial number of the device"),
    ),
}  # fmt: skip


#: Words that mark a key of the survey: it is no direct identifier, and files are joined by it.
_KEY_WORDS = _set(
    "hh hhid household hogar vivienda menage id key psu upm ea cluster conglomerado grappe line caseid "
    "uuid person persona serial"
)


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
    return tuple(found for v in data.variables.values() if (found := _recognised(data, v)) is not None)


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


def _recognised(data: Microdata, variable: Variable) -> Identifier | None:
    import pandas as pd

    if variable.value_labels:  # a coded answer names nobody
        return None
    column = data.frame[variable.name]
    known = column.dropna()
    is_text = bool(pd.api.types.is_string_dtype(column.dtype))
    if is_text:
        known = known[known.str.strip() != ""]
    if column.dtype == "boolean" or not len(known):
        return None
    by_words = _by_words(variable, is_text, known)
    if by_words is not None:
        return by_words
    return _by_content(variable, known) if is_text else _number_position(variable, known)


def _by_words(variable: Variable, is_text: bool, known: pd.Series[Any]) -> Identifier | None:
    groups = {**_ANY_WORDS, **_TEXT_WORDS} if is_text else _ANY_WORDS
    named = tokens(variable.name) | {variable.name.casefold().replace("_", "")}
    for kind, (words, phrases) in groups.items():
        word = next(iter(sorted(named & words)), None)
        phrase = holds(variable.label, phrases)
        if word is None and phrase is None:
            continue
        if kind in ("phone", "document", "position") and known.nunique() <= 3 and len(known) > 10:
            continue  # "do you own a mobile phone", coded without labels
        reason = f"its name holds '{word}'" if word is not None else f"its label holds '{phrase}'"
        return Identifier(name=variable.name, kind=kind, reason=reason)
    return None


def _by_content(variable: Variable, known: pd.Series[Any]) -> Identifier | None:
    name, sample = variable.name, known.iloc[:_SAMPLE].str.strip()
    is_key = bool(_KEY_WORDS & (tokens(name) | tokens(variable.label)))
    # codes of areas and households are long numbers too, but many rows share them
    shared = known.nunique() < 0.5 * len(known)
    for kind, pattern in _CONTENT:
        share = float(sample.str.fullmatch(pattern).mean())
        if share >= _MOST and not (kind == "phone" and (is_key or shared)):
            return Identifier(name=name, kind=kind, reason=f"{share:.0%} of its cells have the form of one")
    if not is_key and _is_long_number(sample):
        reason = "its cells are long numbers that differ from row to row"
        return Identifier(name=name, kind="document", reason=reason)
    words = float(sample.str.count(r"\S+").mean())
    length = float(sample.str.len().mean())
    varied = sample.nunique() > 0.5 * len(sample)
    if varied and (words >= 4 or length >= 40) and not sample.str.fullmatch(r"[\w:.\-{}/]+").all():
        return Identifier(name=name, kind="free text", reason=f"{words:.0f} words a cell, mostly different")
    return None


def _is_long_number(sample: pd.Series[Any]) -> bool:
    alike = float(sample.str.fullmatch(_DOCUMENT).mean()) >= 0.9
    return alike and len(sample) >= 5 and sample.nunique() >= 0.98 * len(sample)


def _number_position(variable: Variable, known: pd.Series[Any]) -> Identifier | None:
    """Numbers with five decimals and more that could be degrees and hardly repeat."""
    if str(known.dtype) != "Float64" or len(known) < 5:
        return None
    numbers = known.iloc[:_SAMPLE].to_numpy(dtype=float)
    fine = abs(numbers * 1e4 - (numbers * 1e4).round()) > 1e-6
    degrees = (abs(numbers) <= 180).all() and numbers.std() < 15 and len(set(numbers)) >= 0.9 * len(numbers)
    words = tokens(variable.name) | tokens(variable.label)
    if degrees and fine.mean() > 0.8 and words & {"x", "y", "coord", "east", "north", "easting", "northing"}:
        return Identifier(name=variable.name, kind="position", reason="numbers that could be degrees")
    return None
