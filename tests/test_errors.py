"""A message says what, where, found, expected and what to do."""

from __future__ import annotations

import pickle

from survey_toolkit import errors


def test_all_parts_in_order() -> None:
    error = errors.StudyError("bad", where="s.yaml:3", found="x", expected="y", hint="do z", problems=["p1"])
    assert str(error).splitlines() == [
        "s.yaml:3: bad",
        "  p1",
        "  found: x",
        "  expected: y",
        "  to do: do z",
    ]


def test_every_error_is_a_survey_toolkit_error_and_a_value_error() -> None:
    kinds = [getattr(errors, n) for n in errors.__all__ if n.endswith("Error")]
    assert len(kinds) >= 9
    assert all(issubclass(k, errors.SurveyToolkitError) and issubclass(k, ValueError) for k in kinds)


def test_errors_survive_pickling() -> None:
    """They cross process borders: reading a file happens in a child process."""
    error = errors.DataFileError("w", where="f", found="a", code="c")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert again.code == "c"
