"""Record linkage: from lists with names, or keyed hashes of names, to capture histories.

Needs the extra ``linkage`` (splink on DuckDB) for :func:`link_records` only.
"""

from survey_toolkit.multiple_systems.linkage.clusters import (
    Clusters,
    LinkQuality,
    cluster_pairs,
    link_quality,
)
from survey_toolkit.multiple_systems.linkage.fellegi_sunter import FellegiSunter, fellegi_sunter
from survey_toolkit.multiple_systems.linkage.hashing import bloom_filter, dice, keyed_hash
from survey_toolkit.multiple_systems.linkage.link import Linkage, LinkageSweep, link_records
from survey_toolkit.multiple_systems.linkage.normalise import (
    fold_name,
    normal_code,
    parse_date,
    transliteration_key,
)
from survey_toolkit.multiple_systems.linkage.prepare import (
    LinkFields,
    PreparedRecords,
    encode_records,
    prepare_records,
)
from survey_toolkit.multiple_systems.linkage.strings import damerau, jaro, jaro_winkler, levenshtein

__all__ = [
    "Clusters",
    "FellegiSunter",
    "LinkFields",
    "LinkQuality",
    "Linkage",
    "LinkageSweep",
    "PreparedRecords",
    "bloom_filter",
    "cluster_pairs",
    "damerau",
    "dice",
    "encode_records",
    "fellegi_sunter",
    "fold_name",
    "jaro",
    "jaro_winkler",
    "keyed_hash",
    "levenshtein",
    "link_quality",
    "link_records",
    "normal_code",
    "parse_date",
    "prepare_records",
    "transliteration_key",
]
