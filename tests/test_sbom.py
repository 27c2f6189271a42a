"""The bill of materials: shape, repeatability, licences told as they are."""

from __future__ import annotations

import json
import re
from email.message import Message
from importlib.metadata import Distribution, version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from survey_toolkit import _sbom
from survey_toolkit.cli import app


class Fake(Distribution):
    """A package with given metadata."""

    def __init__(self, *lines: tuple[str, str]) -> None:
        self._message = Message()
        for key, value in lines:
            self._message[key] = value

    @property
    def metadata(self) -> Message:  # type: ignore[override]
        return self._message

    def read_text(self, filename: str) -> None:
        return None

    def locate_file(self, path: object) -> Path:  # type: ignore[override]
        return Path(str(path))


def test_the_verb_writes_cyclonedx(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sbom", "--out", str(tmp_path / "sbom.json")])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "sbom.json").read_text())
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.5", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", document["serialNumber"])
    rows = {row["name"]: row for row in document["components"]}
    assert len(rows) == len(document["components"])
    assert rows["numpy"]["version"] == version("numpy")
    for row in rows.values():
        assert row["purl"] == row["bom-ref"] == f"pkg:pypi/{row['name']}@{row['version']}"
        (licence,) = row["licenses"]
        assert set(licence) in ({"expression"}, {"license"})
    first = (tmp_path / "sbom.json").read_bytes()
    CliRunner().invoke(app, ["sbom", "--out", str(tmp_path / "sbom.json")])
    assert (tmp_path / "sbom.json").read_bytes() == first


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("License-Expression", "MIT OR Apache-2.0"), ("License", "other")], ("MIT OR Apache-2.0", True)),
        ([("Classifier", "License :: OSI Approved :: MIT License")], ("MIT License", False)),
        ([("License", "\nBSD 3-Clause License\n\nCopyright")], ("BSD 3-Clause License", False)),
        ([("License", "UNKNOWN")], ("not stated", False)),
        ([], ("not stated", False)),
    ],
)
def test_licences_as_stated(lines: list[tuple[str, str]], expected: tuple[str, bool]) -> None:
    assert _sbom.licence_of(Fake(*lines)) == expected


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("GPL-3.0-only", "strong"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "strong"),
        ("LGPLv3", "strong"),
        ("EUPL-1.2", "strong"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "file"),
        ("MPL-2.0 OR MIT", None),
        ("GPL-2.0 OR GPL-3.0", "strong"),
        ("MIT-CMU", None),
        ("matplotlib licence, simple", None),
    ],
)
def test_copyleft_is_recognised(licence: str, kind: str | None) -> None:
    found = _sbom.copyleft([_sbom.Component("x", "1", licence, False, True)])
    assert [k for k, names in found.items() if names] == ([kind] if kind else [])


def test_requirements_are_followed_through_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    needs = {
        "survey-toolkit": ["A[x]>=1", 'never; extra == "docx"', 'old; python_version < "3"'],
        "a": ['b_c; extra == "x"', 'd; extra == "y"'],
        "b-c": ["a", "gone"],
    }

    class Stub:
        def __init__(self, name: str) -> None:
            if name not in needs:
                raise _sbom.PackageNotFoundError(name)
            self.requires = needs[name]

    monkeypatch.setattr(_sbom, "distribution", Stub)
    assert _sbom.required_names() == {"a", "b-c", "gone"}
