"""Synthetic lists of victims with realistic errors and known truth: to learn record linkage and to test it.

Names are put together from syllables of eight made-up origins, so no list of real names is needed and nobody
is described. People differ in how visible they are, and lists prefer some people (the labour inspectorate
sees forced labour twice as often), so the lists also test multiple systems estimation with a known size.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from survey_toolkit.errors import SurveyToolkitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RecordErrors", "VictimLists", "victim_lists"]

Rng = np.random.Generator

_REFERENCE_DAY = dt.date(2023, 6, 30)
_DISTRICTS = 40
_TYPES = ("forced_labour", "sexual_exploitation", "domestic_servitude", "criminal_exploitation")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ROMANISATIONS = "ph=f oo=u ck=k gj=dj sh=ch xh=zh ie=i ea=ia th=t y=i uo=ua ll=l k=q"


@dataclass(frozen=True, slots=True)
class _Origin:
    """Share of people, and the syllables of their names."""

    code: str
    share: float
    onsets: str
    vowels: str
    codas: str
    endings: str
    long_first_names: bool = True


_ORIGINS = (
    _Origin("NGA", 0.18, "b d k t ch ad ol em ng", "a o e i u", "- n m", "wu ola ike uche"),
    _Origin("VNM", 0.14, "ng tr ph h th l d", "a ie uo y oa", "n ng m t", "-", long_first_names=False),
    _Origin("ALB", 0.12, "b gj sh k l xh d", "a e i o u", "n r t l", "aj i u"),
    _Origin("ROU", 0.12, "m c st v d gh", "a e i o u ea", "n r l t", "escu an u"),
    _Origin("PHL", 0.10, "r m j d s b", "a e i o", "n l s -", "os ez ino"),
    _Origin("ETH", 0.10, "t m b al s f", "a e i u", "- r m l", "ew a u"),
    _Origin("BGD", 0.12, "m r s k h ab", "a u i oo", "m d n l", "ul in a"),
    _Origin("GBR", 0.12, "j h w b c ed", "a e i o", "ck n ll m", "son ton er s", long_first_names=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordErrors:
    """Rates, per record, of what goes wrong on a list; ``document_present`` and ``duplicates`` are shares."""

    typo_first: float = 0.07
    typo_surname: float = 0.07
    transliteration: float = 0.08
    swapped_names: float = 0.02
    first_missing: float = 0.02
    surname_missing: float = 0.05
    initial_only: float = 0.03
    dob_missing: float = 0.06
    dob_day_month_swapped: float = 0.03
    dob_year_off: float = 0.04
    dob_first_of_january: float = 0.05
    nationality_missing: float = 0.06
    nationality_wrong: float = 0.02
    sex_missing: float = 0.02
    sex_wrong: float = 0.005
    place_missing: float = 0.10
    place_moved: float = 0.15
    exploitation_missing: float = 0.08
    document_present: float = 0.15
    document_wrong: float = 0.05
    duplicates: float = 0.03

    def __post_init__(self) -> None:
        bad = [k for k in self.__slots__ if not 0 <= getattr(self, k) <= 1]
        if bad:
            raise SurveyToolkitError("a rate is not between 0 and 1", where="errors", found=", ".join(bad))

    def worse(self, factor: float) -> RecordErrors:
        """Every error rate times a factor, at most 0.6; documents and duplicates unchanged."""
        kept = ("document_present", "duplicates")
        rates = {k: min(0.6, getattr(self, k) * factor) for k in self.__slots__ if k not in kept}
        return replace(self, **rates)


@dataclass(frozen=True, slots=True, eq=False)
class VictimLists:
    """Records of all lists, and the truth that no linker may see.

    Attributes
    ----------
    records : pandas.DataFrame
        record_id, source, first_name, surname, sex, dob, nationality, exploitation, district, document_no,
        referral_date.
    person : mapping record_id -> person number
    n_people : int
        Size of the population, seen or not.
    """

    records: pd.DataFrame
    person: Mapping[str, int]
    n_people: int

    @property
    def n_seen(self) -> int:
        """People on at least one list."""
        return len(set(self.person.values()))

    def true_histories(self) -> pd.DataFrame:
        """One row a person seen, one 0/1 column a list: perfect linkage."""
        import pandas as pd

        source = self.records["source"]
        persons = self.records["record_id"].map(self.person)
        table: pd.DataFrame = pd.crosstab(persons, source).clip(upper=1)
        return table[list(dict.fromkeys(source))].reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Person:
    number: int
    first: str
    surname: str
    sex: str
    dob: dt.date
    nationality: str
    exploitation: str
    district: str
    document: str
    visibility: float


_LISTS = (("police", 3000), ("ngo", 3000), ("labour_inspectorate", 3000), ("hotline", 3000))


def victim_lists(
    seed: int = 1,
    n_people: int = 9000,
    lists: Sequence[tuple[str, int]] = _LISTS,
    *,
    errors: RecordErrors | None = None,
) -> VictimLists:
    """Simulate overlapping lists of victims; the hotline makes twice the errors.

    Parameters
    ----------
    seed, n_people : int
    lists : sequence of (name, records)
    errors : RecordErrors, optional

    Raises
    ------
    SurveyToolkitError
        A list larger than the population, or two lists of one name.

    Examples
    --------
    >>> small = victim_lists(1, 200, [("police", 80), ("ngo", 60)])
    >>> len(small.records), small.n_people, 80 <= small.n_seen <= 140
    (140, 200, True)
    """
    import pandas as pd

    names = [name for name, _ in lists]
    if len(set(names)) != len(names) or any(not 0 < size <= n_people for _, size in lists):
        raise SurveyToolkitError(
            "lists need different names and sizes from 1 to the population",
            where="lists",
            found=", ".join(f"{n} {s}" for n, s in lists),
            expected=f"at most {n_people} records each",
        )
    rng = np.random.default_rng(seed)
    people = _people(rng, n_people)
    rates = errors or RecordErrors()
    rows: list[dict[str, Any]] = []
    person: dict[str, int] = {}
    for name, size in lists:
        used = rates.worse(2.0) if name == "hotline" else rates
        for i, index in enumerate(_captured(rng, people, name, size, used.duplicates)):
            record_id = f"{name}-{i:05d}"
            rows.append({"record_id": record_id, "source": name, **_record(rng, people[index], used)})
            person[record_id] = people[index].number
    return VictimLists(pd.DataFrame(rows), person, n_people)


def _captured(
    rng: Rng, people: Sequence[_Person], name: str, size: int, duplicates: float
) -> NDArray[np.int64]:
    """People on a list, more visible and preferred ones first, some twice, in random order."""
    prefers: dict[str, Callable[[_Person], bool]] = {
        "labour_inspectorate": lambda p: p.exploitation == "forced_labour",
        "police": lambda p: p.exploitation == "criminal_exploitation",
        "health": lambda p: p.sex == "F",
    }
    preferred = prefers.get(name)
    weight = np.array(
        [p.visibility * (2.0 if preferred is not None and preferred(p) else 1.0) for p in people]
    )
    twice = round(size * duplicates)
    once = rng.choice(len(people), size - twice, replace=False, p=weight / weight.sum())
    again = rng.choice(once, min(twice, len(once)), replace=False)
    out: NDArray[np.int64] = rng.permutation(np.concatenate([once, again]))
    return out


def _people(rng: Rng, n: int) -> list[_Person]:
    shares = np.array([o.share for o in _ORIGINS])
    pools = [(_pool(rng, o, 160, surname=False), _pool(rng, o, 420, surname=True)) for o in _ORIGINS]
    out = []
    for number in range(n):
        at = int(rng.choice(len(_ORIGINS), p=shares / shares.sum()))
        (first, first_p), (surname, surname_p) = pools[at]
        sex = "F" if rng.random() < 0.58 else "M"
        age = float(np.clip(rng.gamma(6, 4.6), 4, 75))
        types = [0.4, 0.3, 0.12, 0.18] if sex == "F" else [0.6, 0.08, 0.07, 0.25]
        out.append(
            _Person(
                number=number,
                first=str(rng.choice(first, p=first_p)),
                surname=str(rng.choice(surname, p=surname_p)),
                sex=sex,
                dob=_REFERENCE_DAY - dt.timedelta(days=int(age * 365.25)),
                nationality=_ORIGINS[at].code,
                exploitation=_TYPES[int(rng.choice(4, p=types))],
                district=f"D{int(min(_DISTRICTS - 1, rng.exponential(9))):02d}",
                document=f"{_ORIGINS[at].code}{rng.integers(10**7, 10**8)}",
                visibility=float(rng.gamma(4, 0.25)),
            )
        )
    return out


def _pool(rng: Rng, origin: _Origin, size: int, *, surname: bool) -> tuple[list[str], NDArray[np.float64]]:
    """Different names with frequencies that fall like a power of the rank, so that common ones collide."""
    names: list[str] = []
    while len(names) < size:
        syllables = int(rng.integers(1, 3)) + (not surname and origin.long_first_names)
        name = "".join(_syllable(rng, origin) for _ in range(syllables))
        name += _part(rng, origin.endings) if surname else ""
        if name not in names and len(name) > 2:
            names.append(name)
    weight = 1 / np.arange(1, size + 1) ** 0.8
    return names, weight / weight.sum()


def _part(rng: Rng, choices: str) -> str:
    parts = choices.split()
    return parts[int(rng.integers(len(parts)))].replace("-", "")


def _syllable(rng: Rng, origin: _Origin) -> str:
    return _part(rng, origin.onsets) + _part(rng, origin.vowels) + _part(rng, origin.codas)


def _typo(rng: Rng, name: str) -> str:
    """Delete, insert, replace a letter, or swap two."""
    if len(name) < 3:
        return name
    i, kind = int(rng.integers(len(name))), int(rng.integers(4))
    letter = _LETTERS[int(rng.integers(26))]
    if kind < 3:
        return name[:i] + ("", letter + name[i], letter)[kind] + name[i + 1 :]
    i = min(i, len(name) - 2)
    return name[:i] + name[i + 1] + name[i] + name[i + 2 :]


def _romanise(rng: Rng, name: str) -> str:
    """Write one sound the other way."""
    pairs = [p.split("=") for p in _ROMANISATIONS.split() if p.split("=")[0] in name]
    if not pairs:
        return name
    old, new = pairs[int(rng.integers(len(pairs)))]
    return name.replace(old, new, 1)


def _record(rng: Rng, person: _Person, e: RecordErrors) -> dict[str, str | None]:
    """What a list wrote down about a person."""

    def goes_wrong(rate: float) -> bool:
        return bool(rng.random() < rate)

    first, surname = _names(rng, person, e)
    nationality: str | None = person.nationality
    if goes_wrong(e.nationality_wrong):
        nationality = _ORIGINS[int(rng.integers(len(_ORIGINS)))].code
    sex = {"F": "M", "M": "F"}[person.sex] if goes_wrong(e.sex_wrong) else person.sex
    place = f"D{int(rng.integers(_DISTRICTS)):02d}" if goes_wrong(e.place_moved) else person.district
    document = person.document
    if goes_wrong(e.document_wrong):
        document = document[:-1] + str(rng.integers(10))
    referred = dt.date(2023, 7, 1) + dt.timedelta(days=int(rng.integers(0, 365)))
    return {
        "first_name": first,
        "surname": surname,
        "sex": None if goes_wrong(e.sex_missing) else sex,
        "dob": _birth_date(rng, person.dob, e),
        "nationality": None if goes_wrong(e.nationality_missing) else nationality,
        "exploitation": None if goes_wrong(e.exploitation_missing) else person.exploitation,
        "district": None if goes_wrong(e.place_missing) else place,
        "document_no": document if goes_wrong(e.document_present) else None,
        "referral_date": referred.isoformat(),
    }


def _names(rng: Rng, person: _Person, e: RecordErrors) -> tuple[str | None, str | None]:
    first, surname = person.first, person.surname
    if rng.random() < e.transliteration:
        first = _romanise(rng, first)
    if rng.random() < e.transliteration:
        surname = _romanise(rng, surname)
    if rng.random() < e.typo_first:
        first = _typo(rng, first)
    if rng.random() < e.typo_surname:
        surname = _typo(rng, surname)
    if rng.random() < e.swapped_names:
        first, surname = surname, first
    if rng.random() < e.initial_only:
        first = first[:1]
    no_first, no_surname = rng.random() < e.first_missing, rng.random() < e.surname_missing
    return None if no_first else first, None if no_surname else surname


def _birth_date(rng: Rng, dob: dt.date, e: RecordErrors) -> str | None:
    if rng.random() < e.dob_missing:
        return None
    if rng.random() < e.dob_day_month_swapped and dob.day <= 12:
        return dt.date(dob.year, dob.day, dob.month).isoformat()
    if rng.random() < e.dob_year_off:
        shift = int(rng.choice([-2, -1, 1, 2]))
        return dt.date(dob.year + shift, dob.month, min(dob.day, 28)).isoformat()
    if rng.random() < e.dob_first_of_january:
        return dt.date(dob.year, 1, 1).isoformat()
    return dob.isoformat()
