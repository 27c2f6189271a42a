"""Strict YAML: what is written is what is read; problems have file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_toolkit._yaml import MAX_YAML_BYTES, StrictModel, load_document, load_text
from survey_toolkit.errors import DefinitionError, StudyError


class Inner(StrictModel):
    """A part."""

    label: str
    any_of: tuple[str, ...] = ()
    weight: float = 1.0


class Outer(StrictModel):
    """A whole."""

    id: str
    parts: tuple[Inner, ...]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("22:30", "22:30"),
        ("2017-10-13", "2017-10-13"),
        ("1_000", "1_000"),
        (".5", ".5"),
        ("5", 5),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ("~", None),
    ],
)
def test_scalars_are_typed_by_the_core_schema_only(text: str, value: object) -> None:
    assert load_text(f"k: {text}", "x").data == {"k": value}


def test_all_problems_at_once_with_lines_and_hints() -> None:
    document = load_text(
        "id: a\nparts:\n  - label: one\n    anyof: [q]\n  - weight: heavy\n", "definitions/a.yaml"
    )
    with pytest.raises(DefinitionError) as caught:
        document.validate(Outer)
    message = str(caught.value)
    assert "definitions/a.yaml:4: parts.0.anyof: unknown key 'anyof'; did you mean 'any_of'?" in message
    assert "definitions/a.yaml:5: parts.1.label: 'label' is required" in message
    assert "definitions/a.yaml:5: parts.1.weight:" in message
    assert "found 'heavy'" in message
    assert message.startswith("3 problems in definitions/a.yaml")


def test_duplicate_key_names_both_lines() -> None:
    with pytest.raises(DefinitionError, match=r"(?s)x.yaml:3: key 'a' is given twice.*first on line 1"):
        load_text("a: 1\nb: 2\na: 3\n", "x.yaml")


@pytest.mark.parametrize("text", ["a: [1, 2", "a:\n\t- 1", "a: 'x", "a: *nowhere", "--- a\n--- b"])
def test_broken_yaml_is_one_message_with_a_line(text: str) -> None:
    with pytest.raises(StudyError, match=r"^s.yaml:\d+: not valid YAML"):
        load_text(text, "s.yaml", error=StudyError)


@given(st.text(max_size=200))
def test_any_text_is_data_or_one_typed_error(text: str) -> None:
    try:
        load_text(text, "t.yaml")
    except DefinitionError as exc:
        assert "t.yaml" in str(exc)  # noqa: PT017


def test_python_tags_do_not_run_code() -> None:
    data = load_text("a: !!python/object/apply:os.system ['true']", "x.yaml")
    assert data.data == {"a": ["true"]}


def test_files(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no such file"):
        load_document(tmp_path / "none.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(DefinitionError, match=r"(?s)not UTF-8 text.*0xe9 at position 3.*save it as UTF-8"):
        load_document(latin)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_YAML_BYTES + 1))
    with pytest.raises(DefinitionError, match="too large"):
        load_document(large)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DefinitionError, match="nested too deeply"):
        load_text("[" * 200 + "]" * 200, "x.yaml")


def test_a_small_file_cannot_grow_into_a_large_tree() -> None:
    laughs = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    laughs += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(DefinitionError, match="too large"):
        load_text("\n".join(laughs), "x.yaml")


def test_patterns_are_told_in_words() -> None:
    from survey_toolkit.study import StudySpec

    text = "id: My Study\ntitle: t\ncountry: {code: KH, name: Cambodia}\nperiod: 2024\nindicators: []\n"
    with pytest.raises(DefinitionError) as told:
        load_text(text, "study.yaml").validate(StudySpec)
    problems = "\n".join(told.value.problems)
    assert "study.yaml:3: country.code: three capital letters are expected" in problems
    assert "found 'KH'" in problems
    assert "pattern" not in problems
