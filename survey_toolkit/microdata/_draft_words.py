"""Names and phrases by which a column may be taken for a harmonized variable."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TARGETS", "TargetWords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetWords:
    """Usual column names, phrases of a label, and phrases that rule a column out."""

    names: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    never: tuple[str, ...] = ()


def _words(names: str = "", *phrases: str, never: tuple[str, ...] = ()) -> TargetWords:
    return TargetWords(names=frozenset(names.split()), phrases=phrases, never=never)


TARGETS: dict[str, TargetWords] = {
    "sex": _words(
        "sex sexo sexe gender hl4 hv104 p02",
        "sex",
        "gender",
        "sexo",
        "sexe",
        "giới tính",
        "เพศ",
        "ភេទ",
        "ເພດ",
        "性别",
        "jenis kelamin",
        never=("sexual",),
    ),
    "age": _words(
        "age edad hl6 cb3 v012 hv105 p03 umur",
        "age in completed years",
        "age in years",
        "age of child",
        "current age",
        "age",
        "edad",
        "âge",
        "tuổi",
        "อายุ",
        "អាយុ",
        "ອາຍຸ",
        "年龄",
        "umur",
        never=("age at", "age group", "months", "first", "age of mother", "started"),
    ),
    "urbanisation": _words(
        "area urban hh6 v025 hv025 urbrur milieu",
        "urban",
        "area of residence",
        "type of place",
        "área",
        "milieu de résidence",
        "urban/rural",
    ),
    "region": _words(
        "region hh7 v024 hv024 provincia province",
        "region",
        "province",
        "región",
        "région",
        "tỉnh",
        "ภาค",
        "ខេត្ត",
        "ແຂວງ",
        "省",
    ),
    "ea_any": _words(
        "cl1a",
        "worked last week",
        "did any work",
        "work for pay",
        "economic activity",
        "trabajó",
        "a travaillé",
        "worked in the past",
        "worked during the past",
        "làm việc",
    ),
    "ea_hours": _words(
        "cl3 p24 hours",
        "hours worked",
        "hours of work",
        "number of hours worked",
        "horas trabajadas",
        "horas trabajó",
        "heures travaillées",
        "số giờ làm việc",
        "hours spent working",
        never=("chores", "water", "firewood", "household"),
    ),
    "chores_any": _words(
        "cl11a cl11b cl11c",
        "household chores",
        "household tasks",
        "quehaceres",
        "travaux ménagers",
        "việc nhà",
        never=("hours",),
    ),
    "chores_hours": _words(
        "cl13",
        "hours on chores",
        "hours of household chores",
        "hours spent on household chores",
        "hours doing household chores",
        "horas en quehaceres",
    ),
    "ever_in_union": _words(
        "v501 hv115 ma1",
        "ever married",
        "ever been married",
        "marital status",
        "current marital status",
        "estado civil",
        "état matrimonial",
        "tình trạng hôn nhân",
    ),
    "age_first_union": _words(
        "v511 wagem",
        "age at first marriage",
        "age at first union",
        "age at first cohabitation",
        "edad a la primera unión",
        "âge au premier mariage",
        "tuổi kết hôn",
    ),
    "inv_unfree_recruitment": _words("", "forced to take the job", "bonded", "born into"),
    "inv_different_job": _words("", "different job", "different from promised", "nature of work different"),
    "inv_abusive_overtime": _words("", "overtime", "on-call"),
    "inv_hazardous_no_consent": _words("", "hazardous work", "dangerous work"),
    "inv_low_or_no_wages": _words("", "low wages", "no wages", "not paid", "without pay"),
    "inv_degrading_living": _words("", "degrading living", "living conditions"),
    "inv_other_employer": _words("", "other employers", "another employer"),
    "inv_longer_than_agreed": _words("", "longer than agreed"),
    "inv_no_freedom_to_leave": _words(
        "", "freedom to leave", "free to leave", "could not leave", "unable to leave"
    ),
    "pen_violence": _words("", "violence", "beaten", "hit or"),
    "pen_movement": _words(
        "", "restriction of movement", "locked", "movement restricted", "freedom of movement"
    ),
    "pen_debt": _words("", "debt bondage", "debt"),
    "pen_wages": _words("", "withheld wages", "wages withheld", "withholding of wages"),
    "pen_documents": _words(
        "", "documents withheld", "passport kept", "withholding of documents", "identity documents"
    ),
    "pen_vulnerability": _words("", "threat of dismissal", "deportation", "abuse of vulnerability"),
}
