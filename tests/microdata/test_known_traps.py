"""Every known trap of survey files, and the tests that hold it: a reader finds each in one place.

``TRAPS`` lists what was measured on other readers (pyreadstat 1.3.7, haven 2.5.1, pandas 3.1, polars) or in
published code, by kind; each line names the tests of this project in which the trap is met. Tests of
``tests/test_reference_files.py`` run on the bank of real files that ``SURVEY_TOOLKIT_REFERENCE`` names.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
MORE, TRAP, BAD, NASTY = (
    f"microdata/test_{n}.py" for n in ("more_traps", "traps", "bad_files", "nasty_files")
)
BANK = "test_reference_files.py"
WALKS, HARM = "microdata/test_shipped_crosswalks.py", "microdata/test_harmonize.py"

#: Kind, trap, and tests as ``file::function``.
TRAPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # missing values
    ("missing", "user-missing codes, ranges and text codes vanish without user_missing=True",
     (f"{TRAP}::test_declared_ranges_are_there_unasked", f"{MORE}::test_every_kind_of_spss_declaration")),
    ("missing", "Stata's .a to .z are dropped, or make a column of letters among numbers",
     (f"{MORE}::test_stata_tags_stand_beside_whole_numbers",
      "microdata/test_read_write.py::test_stata_tags_survive_a_second_round")),
    ("missing", "tags are lost on the way to Parquet",
     (f"{TRAP}::test_tagged_missing_values_on_the_way_to_parquet",)),
    ("missing", "a SAS catalog replaces values by their labels",
     (f"{MORE}::test_a_catalog_replaces_no_value", f"{BANK}::test_catalogs_and_layouts_are_read")),
    ("missing", ".por files return no user-missing codes",
     (f"{TRAP}::test_portable_files_keep_their_missing_codes",)),
    ("missing", "numbers declared missing still go into means; labels alone declare them in MICS files",
     ("estimation/test_declared_missing.py::test_hours_98_are_not_worked",
      "estimation/test_declared_missing.py::test_codes_labelled_but_not_declared_are_told",
      f"{WALKS}::test_missing_reasons_are_found_by_label_alone",
      f"{HARM}::test_missing_by_code_label_declaration_and_blank",
      f"{HARM}::test_same_reasons_from_spss_codes_and_stata_tags")),
    ("missing", "files whose missing declarations differ cannot be put together",
     ("microdata/test_join.py::test_files_that_disagree_are_told",)),
    ("missing", "more codes than SPSS can declare are lost on writing",
     ("microdata/test_read_write.py::test_too_many_codes_for_spss_is_told",
      "microdata/test_read_write.py::test_four_neighbouring_codes_become_a_range")),
    # types
    ("types", "whole Stata numbers with missing values become Python objects",
     (f"{TRAP}::test_whole_stata_numbers_with_missing_stay_whole",
      f"{MORE}::test_whole_numbers_are_no_objects")),
    ("types", "labels of decimal or text codes are refused or lost by Stata's format",
     (f"{MORE}::test_labels_of_decimal_and_text_codes",)),
    ("types", "identifiers beyond 15 digits lose digits as floats, in Excel before anybody reads them",
     (f"{TRAP}::test_identifiers_that_excel_has_rounded_are_told",
      f"{BAD}::test_text_tables_lose_no_digit",
      "microdata/test_tables.py::test_sas_layout_keeps_every_digit")),
    ("types", "numbers beyond all floats become infinite",
     (f"{NASTY}::test_numbers_beyond_all_numbers_stay_text",)),
    ("types", "unknown becomes no: NaN == 1 is False",
     ("microdata/test_read_write.py::test_unknown_is_null_not_no",
      "microdata/test_classify.py::test_unknown_hours_are_undetermined_never_no")),
    # dates
    ("dates", "one wild date makes a file unreadable",
     (f"{TRAP}::test_one_wild_date_does_not_cost_the_file",)),
    ("dates", "MOYR, QYR, WKYR and MONTH are no days", (f"{MORE}::test_months_and_quarters_stay_numbers",)),
    ("dates", "TIME beyond 24 hours wraps: hours worked are wrong in silence",
     (f"{TRAP}::test_time_beyond_a_day_does_not_wrap", f"{MORE}::test_time_beyond_a_day",
      f"{NASTY}::test_workbook_times_formulas_and_odd_sheets")),
    # texts and names
    ("texts", "very long texts are cut", (f"{MORE}::test_long_texts",)),
    ("texts", "bytes that are no UTF-8 lose the file",
     (f"{MORE}::test_bytes_that_are_no_utf8_are_named_and_can_be_read",)),
    ("names", "'a' and 'A' are one name to SPSS, to DuckDB and so to Parquet",
     (f"{NASTY}::test_names_that_differ_in_case_only_are_never_mixed_up",)),
    ("names", "names that a format refuses", (f"{MORE}::test_names_that_formats_refuse",)),
    ("names", "an unknown name in usecols is left out in silence",
     (f"{MORE}::test_unknown_columns_are_told",
      f"{TRAP}::test_parquet_block_by_block_is_what_reading_gives")),
    # metadata
    ("metadata", "32,767 variables take half a minute even without rows",
     (f"{MORE}::test_metadata_of_thirty_two_thousand_variables_at_once",)),
    ("metadata", ".por and .xpt declare no rows; a part read is taken for the whole",
     (f"{MORE}::test_rows_are_not_declared_everywhere",
      f"{BANK}::test_metadata_alone_and_on_the_way_to_parquet_is_the_same")),
    ("metadata", "a file that is not there has an error of another class",
     (f"{BAD}::test_limits_and_paths", f"{NASTY}::test_what_is_no_file_is_not_waited_for")),
    # versions
    ("versions", "Stata 102 and 103 refused, labels of 104 and 108 lost; unknown versions",
     (f"{MORE}::test_stata_versions", f"{MORE}::test_an_unknown_stata_version_is_named",
      f"{BANK}::test_every_file_gets_the_answer_it_wants")),
    ("versions", "deleted rows of .sas7bdat are counted",
     (f"{BANK}::test_every_file_gets_the_answer_it_wants",)),
    ("versions", "an encrypted file is only 'invalid'",
     (f"{BAD}::test_lfs_pointer_gzip_zip_and_protected_files",)),
    # encodings
    ("encodings", "the last letter of each Vietnamese text moves into the next",
     (f"{TRAP}::test_vietnamese_letters_stay_where_they_are",
      f"{MORE}::test_a_letter_moves_in_other_readers", f"{MORE}::test_old_encodings_when_they_are_said")),
    ("encodings", "Lao, Thai, Chinese, Russian code pages that Python or the parser lacks",
     (f"{MORE}::test_old_encodings_when_they_are_said",
      f"{TRAP}::test_koi8_and_western_are_guessed_and_can_be_overridden")),
    ("encodings", "old Stata files in Asian code pages are read as windows-1252 in silence",
     (f"{MORE}::test_old_stata_files_in_asian_code_pages_are_not_read_as_western",
      f"{BAD}::test_old_stata_without_encoding")),
    ("encodings", "Thai bytes declared windows-1252, or nothing declared, become mojibake",
     (f"{MORE}::test_thai_declared_western_is_suspected",
      f"{BAD}::test_thai_bytes_without_declaration_ask_for_the_encoding",
      f"{BANK}::test_what_a_note_advises_gives_the_truth", f"{BANK}::test_the_encoding_can_be_given")),
    ("encodings", "GBK declared as UTF-8",
     (f"{TRAP}::test_chinese_bytes_declared_utf8_are_refused_with_a_guess",)),
    ("encodings", "Zawgyi is sound UTF-8 and wrong text", (f"{TRAP}::test_zawgyi_is_named",)),
    ("encodings", "fonts that are no encodings (VNI, Limon)",
     (f"{MORE}::test_fonts_that_are_no_encodings_are_refused",)),
    ("encodings", "UTF-16 without its mark, or cut in a letter", (f"{NASTY}::test_text_in_utf16",)),
    # damage
    ("damage", "labels of a variable that is not there kill the parser by a signal",
     (f"{MORE}::test_labels_that_kill_the_c_library_are_one_message",
      f"{TRAP}::test_labels_of_a_variable_that_is_not_there",
      f"{BAD}::test_a_parser_that_dies_is_one_message")),
    ("damage", "strings without their continuation records",
     (f"{MORE}::test_a_string_without_its_continuation",)),
    ("damage", "any exception of any class gets out",
     ("microdata/test_fuzz.py::test_a_sample_of_damaged_files",
      "microdata/test_fuzz.py::test_five_thousand_damaged_files")),
    ("damage", "truncated files read fine, with fewer rows",
     (f"{BAD}::test_truncated_file_is_never_read_in_silence",
      f"{MORE}::test_transport_files_cut_at_a_row_lose_no_rows_in_silence",
      f"{MORE}::test_a_portable_file_cut_off",
      f"{BAD}::test_header_that_declares_more_rows_than_there_are")),
    ("damage", "more rows than declared", (f"{TRAP}::test_rows_beyond_those_declared_are_told",)),
    ("damage", "flipped bits in values cannot be seen, but by a checksum",
     (f"{MORE}::test_flipped_bits_in_values_change_the_checksum",)),
    ("damage", "a header that claims two thousand million rows takes memory or time without end",
     (f"{MORE}::test_declared_rows_cost_nothing_until_they_are_there", f"{BAD}::test_memory_limit_is_told",
      f"{BAD}::test_a_parser_that_hangs_is_stopped")),
    ("damage", "one far cell, a bomb or entities in a workbook",
     (f"{TRAP}::test_workbooks_are_read_under_limits", f"{MORE}::test_a_workbook_with_entities")),
    ("damage", "NUL bytes, ragged rows and double headers in text tables",
     (f"{BAD}::test_text_tables_that_are_not",)),
    ("damage", "bombs: gzip, archives, Parquet of equal rows, layouts as wide as they like",
     (f"{NASTY}::test_gzip_bomb", "microdata/test_tables.py::test_archives_are_opened_under_limits",
      f"{NASTY}::test_sixty_million_equal_rows_are_a_small_parquet_file",
      f"{NASTY}::test_layouts_that_ask_for_the_moon")),
    ("damage", "login pages, Git LFS pointers, other extensions, empty files in place of data",
     (f"{BAD}::test_login_page_in_place_of_data", f"{BAD}::test_wrong_extension_is_explained",
      f"{BAD}::test_empty_file", f"{BAD}::test_lfs_pointer_gzip_zip_and_protected_files")),
    # meaning
    ("meaning", "hours coded 97 to 99 are counted as hours of work",
     (f"{WALKS}::test_hours_97_to_99_are_no_hours",)),
    ("meaning", "definitions change between rounds: 28/43 hours of chores, hazards in or out",
     (f"{WALKS}::test_one_mics_file_under_three_rounds",
      f"{WALKS}::test_chores_of_21_hours_divide_the_two_definitions")),
    ("meaning", "never in union is outside the numerator, not outside the denominator",
     (f"{WALKS}::test_child_marriage_from_the_womens_recode",)),
    ("meaning", "a survey lacks a module: impossible, with why, rather than empty",
     (f"{HARM}::test_impossible_targets_are_accounted_and_not_made",
      f"{WALKS}::test_the_household_recode_says_it_cannot_give_the_age_at_union")),
    ("meaning", "a failed rule yields an empty data set; unmapped codes vanish",
     (f"{HARM}::test_unmapped_codes_are_listed_with_counts_for_all_targets",)),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "trap", "tests"), TRAPS, ids=[f"{k}: {t}" for k, t, _ in TRAPS])
def test_every_trap_has_its_test(kind: str, trap: str, tests: tuple[str, ...]) -> None:
    assert tests, trap
    for named in tests:
        file, _, function = named.partition("::")
        source = (TESTS / file).read_text("utf-8")
        assert re.search(rf"^def {function}\(", source, re.MULTILINE), named


def test_no_trap_stands_twice_and_every_test_of_traps_is_named() -> None:
    assert len({trap for _, trap, _ in TRAPS}) == len(TRAPS)
    named = {test for _, _, tests in TRAPS for test in tests}
    written = {
        f"{MORE}::{name}"
        for name in re.findall(r"^def (test_\w+)\(", (TESTS / MORE).read_text("utf-8"), re.MULTILINE)
    }
    assert written <= named, sorted(written - named)
