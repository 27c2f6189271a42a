"""SDMX files: CSV 1.0 and 2.0, ML 2.1 and 3.0, structure messages, and the check against a structure.

Rows are made and checked here; pysdmx writes and reads the XML. It checks neither codes nor missing
dimensions, so nothing is written, and nothing read is believed, before :func:`check_rows` has seen it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from survey_toolkit._input import input_file
from survey_toolkit._spreadsheet import table_csv
from survey_toolkit.dissemination.formats.sdmx_rows import sdmx_rows
from survey_toolkit.dissemination.formats.structures import SERIES_ATTRIBUTES, DataStructure, check_rows
from survey_toolkit.errors import DataFileError, DefinitionError
from survey_toolkit.indicators import Figure

if TYPE_CHECKING:
    from pysdmx.model import Component, DataStructureDefinition, DataType, Role

__all__ = [
    "SdmxFormat",
    "check_sdmx_file",
    "read_sdmx_rows",
    "sdmx_structure",
    "sdmx_structure_message",
    "structure_from_sdmx",
    "write_sdmx_rows",
]

SdmxFormat: TypeAlias = Literal["csv-1.0", "csv-2.0", "ml-2.1", "ml-3.0"]
_MAX_BYTES = 200_000_000
_ID = re.compile(r"(?P<agency>[A-Za-z0-9._-]+):(?P<id>[A-Za-z0-9_@$-]+)\((?P<version>[0-9.+*]+)\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def write_sdmx_rows(
    figures: Sequence[Figure], structure: DataStructure, format: SdmxFormat = "csv-2.0"
) -> str:
    """Text of an SDMX data file.

    Parameters
    ----------
    figures : sequence of Figure
        All of one structure, see ``split_by_structure``.
    structure : DataStructure
    format : {"csv-1.0", "csv-2.0", "ml-2.1", "ml-3.0"}
        Structure-specific data for XML.

    Raises
    ------
    DefinitionError
        If a row does not fit the structure; tells every problem.
    """
    rows = sdmx_rows(figures, structure)
    if format == "csv-2.0":
        return table_csv(structure.columns, [list(row.values()) for row in rows])
    if format == "csv-1.0":
        columns = structure.columns[3:]
        flow = _parts(structure.dataflow)
        head = f"{flow['agency']}:{flow['id']}({flow['version']})"
        return table_csv(("DATAFLOW", *columns), [[head, *(row[c] for c in columns)] for row in rows])
    return _xml(rows, structure, format)


def _xml(rows: Sequence[Mapping[str, str]], structure: DataStructure, format: SdmxFormat) -> str:
    import pandas as pd
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.io.pd import PandasDataset

    columns = structure.columns[3:]
    # Attributes nobody uses are left out: an empty one would be written as an empty code.
    used = [c for c in columns if any(row[c] for row in rows)]
    frame = pd.DataFrame([{c: _CONTROL.sub("", row[c]) or None for c in used} for row in rows], columns=used)
    if structure.measure not in used:
        frame[structure.measure] = None
    for name in (structure.measure, "LOWER_BOUND", "UPPER_BOUND"):
        if name in frame:
            frame[name] = pd.to_numeric(frame[name]).astype("Float64")
    data = PandasDataset(structure=sdmx_structure(structure).to_schema(), data=frame)
    kind = Format.DATA_SDMX_ML_2_1_STR if format == "ml-2.1" else Format.DATA_SDMX_ML_3_0
    return str(write_sdmx([data], kind, header=_header()))


def _header() -> Any:
    """A header without clock and random id: the same figures give the same bytes."""
    from datetime import UTC, datetime

    from pysdmx.model import Organisation
    from pysdmx.model.message import Header

    return Header(
        id="SURVEY_TOOLKIT", test=False, prepared=datetime(1980, 1, 1, tzinfo=UTC),
        sender=Organisation(id="SURVEY_TOOLKIT"),
    )  # fmt: skip


def _parts(id: str) -> dict[str, str]:
    match = _ID.fullmatch(id)
    if match is None:
        raise DefinitionError(
            "this is no SDMX id", found=f"'{id}'", expected="agency:id(version)", code="sdmx-id"
        )
    return match.groupdict()


def sdmx_structure(structure: DataStructure) -> DataStructureDefinition:
    """The structure as pysdmx knows it, with the code lists as far as the toolkit writes them."""
    from pysdmx.model import Components, DataStructureDefinition, Role

    own = _parts(structure.id)
    series = ",".join(d for d in structure.dimensions if d != "TIME_PERIOD")
    parts = [_component(structure, d, Role.DIMENSION, True) for d in structure.dimensions]
    parts.append(_component(structure, structure.measure, Role.MEASURE, False))
    parts += [
        _component(structure, a, Role.ATTRIBUTE, mandatory, series if a in SERIES_ATTRIBUTES else "O")
        for a, mandatory in structure.attributes.items()
    ]
    return DataStructureDefinition(
        id=own["id"],
        agency=own["agency"],
        version=own["version"],
        name=own["id"],
        components=Components(parts),
    )


def _component(
    structure: DataStructure, name: str, role: Role, required: bool, level: str | None = None
) -> Component:
    from pysdmx.model import Code, Codelist, Component, Concept

    own, codes = _parts(structure.id), None
    if structure.codes.get(name) and name not in structure.identifiers:
        codes = Codelist(
            id=f"CL_{name}",
            agency=own["agency"],
            version=own["version"],
            name=name,
            items=[Code(id=code, name=label) for code, label in _codes(structure, name).items()],
        )
    return Component(
        id=name,
        required=required,
        role=role,
        concept=Concept(id=name, urn=_concept_urn(name)),
        local_dtype=_dtype(name, structure),
        local_codes=codes,
        attachment_level=level,
    )


def sdmx_structure_message(structure: DataStructure, version: Literal["2.1", "3.0"] = "2.1") -> str:
    """Text of an SDMX-ML structure message: concepts, code lists, the structure and its dataflow.

    What a partner needs to load data of a structure that no registry holds.
    """
    from pysdmx.io import write_sdmx
    from pysdmx.io.format import Format
    from pysdmx.model import Concept, ConceptScheme, Dataflow

    definition = sdmx_structure(structure)
    own, flow = _parts(structure.id), _parts(structure.dataflow)
    lists = [c.local_codes for c in definition.components if c.local_codes is not None]
    concepts = ConceptScheme(
        id="SDG_CONCEPTS", agency="IAEG-SDGs", version="1.0", name="Concepts",
        items=[Concept(id=c.id, name=c.id.replace("_", " ").capitalize()) for c in definition.components],
    )  # fmt: skip
    urn = "urn:sdmx:org.sdmx.infomodel.datastructure.DataStructure={agency}:{id}({version})".format(**own)
    dataflow = Dataflow(
        id=flow["id"], agency=flow["agency"], version=flow["version"], name=flow["id"], structure=urn
    )
    kind = Format.STRUCTURE_SDMX_ML_2_1 if version == "2.1" else Format.STRUCTURE_SDMX_ML_3_0
    return str(write_sdmx([*lists, concepts, definition, dataflow], kind, header=_header()))


def _dtype(name: str, structure: DataStructure) -> DataType:
    from pysdmx.model import DataType

    special = {"TIME_PERIOD": DataType.PERIOD, structure.measure: DataType.DOUBLE}
    return special.get(name, DataType.STRING)


def _concept_urn(name: str) -> str:
    return f"urn:sdmx:org.sdmx.infomodel.conceptscheme.Concept=IAEG-SDGs:SDG_CONCEPTS(1.0).{name}"


def _codes(structure: DataStructure, name: str) -> dict[str, str]:
    codes = dict(structure.codes[name])
    if name == "CUST_BREAKDOWN":
        codes |= {f"C{i:02d}": f"Custom breakdown {i}" for i in range(1, structure.custom_codes + 1)}
    if name == "REF_AREA" and structure.user_areas:
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        codes |= {f"X{a}{b}": f"User-assigned area X{a}{b}" for a in letters for b in letters}
    return codes


def structure_from_sdmx(path: str | Path) -> DataStructure:
    """Read a data structure definition from an SDMX file, e.g. the current one of the SDG registry.

    Raises
    ------
    DataFileError
        If the file holds no data structure definition.
    """
    from pysdmx.io import read_sdmx

    message = _read(path, lambda data: read_sdmx(data, validate=False))
    definitions = message.get_data_structure_definitions() if message.structures else []
    if not definitions:
        raise DataFileError(
            "there is no data structure definition",
            where=str(path),
            hint="ask for the structure with its references",
            code="no-structure",
        )
    found = definitions[0]
    codes = {
        c.id: {code.id: code.name or code.id for code in c.enumeration}
        for c in found.components
        if c.enumeration is not None
    }
    return DataStructure(
        id=f"{_agency(found.agency)}:{found.id}({found.version})",
        structure="datastructure",
        dimensions=tuple(c.id for c in found.components.dimensions),
        measure=found.components.measures[0].id,
        attributes={c.id: c.required for c in found.components.attributes},
        codes=codes,
    )


def _agency(agency: Any) -> str:
    return str(getattr(agency, "id", agency))


def _read(path: str | Path, reader: Any) -> Any:
    """Run a reader on a file; whatever it says becomes one message without the content."""
    file = input_file(path, "an SDMX file", max_bytes=_MAX_BYTES)
    try:
        return reader(file)
    except DataFileError:
        raise
    except Exception as problem:  # each of its parsers has errors of its own, with content of the file
        raise DataFileError(
            "this is not an SDMX file that can be read",
            where=str(file),
            found=type(problem).__name__,
            expected="SDMX-CSV 1.0 or 2.0, SDMX-ML 2.1 or 3.0",
            code="sdmx-unreadable",
        ) from None


def read_sdmx_rows(
    path: str | Path, structure: DataStructure, *, validate: bool = True
) -> list[dict[str, str]]:
    """Observations of an SDMX-CSV or SDMX-ML file as rows of text, without the columns of the format.

    Parameters
    ----------
    path : path
    structure : DataStructure
        Decides which columns the observations have.
    validate : bool
        Check XML against the schemas of the standard (bundled with pysdmx) first.
    """

    def read(file: Path) -> list[dict[str, str]]:
        if file.read_bytes()[:200].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            return _xml_rows(file, structure, validate)
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return [{k: v or "" for k, v in row.items() if k} for row in csv.DictReader(lines)]

    rows: list[dict[str, str]] = _read(path, read)
    return rows


def _xml_rows(file: Path, structure: DataStructure, validate: bool) -> list[dict[str, str]]:
    import pandas as pd
    from pysdmx.io import read_sdmx

    message = read_sdmx(file, validate=validate)
    rows = []
    for data in (cast("Any", found) for found in message.data or ()):
        frame = data.data.astype(object).where(pd.notna(data.data), "")
        rows += [{str(k): _plain(v) for k, v in row.items()} for row in frame.to_dict("records")]
    return rows


def _plain(value: Any) -> str:
    """Numbers as the toolkit writes them; XML keeps 11.0 where CSV has 11."""
    text = str(value)
    try:
        return f"{float(text):.10g}" if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", text) else text
    except ValueError:
        return text


def check_sdmx_file(path: str | Path, structure: DataStructure, *, validate: bool = True) -> list[str]:
    """Every problem of an SDMX file: schema (XML), components, codes, numbers, keys.

    Returns
    -------
    list of str
        Empty for a file that fits.
    """
    head = {"DATAFLOW", "STRUCTURE", "STRUCTURE_ID", "ACTION"}
    rows = read_sdmx_rows(path, structure, validate=validate)
    bare = [{k: v for k, v in row.items() if k not in head} for row in rows]
    if not rows:
        return ["there is no observation in this file"]
    if not any(name in structure.columns for row in bare[:1] for name in row):
        return [
            f"no column is a component of {structure.id}: this is no SDMX file, or one of another structure"
        ]
    problems = check_rows(bare, structure)
    known = {structure.id, structure.dataflow}
    # A structure read from a registry file does not tell the dataflows that use it.
    any_flow = structure.dataflow == structure.id
    for number, row in enumerate(rows, 1):
        of = row.get("STRUCTURE_ID") or (not any_flow and row.get("DATAFLOW"))
        if of and of not in known:
            problems.append(f"row {number}: '{of}' is another structure than {structure.id}")
        if row.get("ACTION") and row["ACTION"] not in ("I", "A", "R", "D", "M"):
            problems.append(f"row {number}: ACTION: '{row['ACTION']}' is no action")
    return problems
