"""Who a person is stands in many languages and forms; none of it may be left when it was to be removed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from survey_toolkit.microdata import (
    Microdata,
    Variable,
    ddi_codebook,
    find_identifiers,
    inspect_data,
    read_microdata,
    strip_identifiers,
    write_microdata,
)

#: Labels as questionnaires have them: language, then kind to label.
LABELS = {
    "English": {
        "name": "Respondent's name",
        "phone": "Contact number of the household",
        "position": "GPS coordinates of the dwelling",
        "document": "Birth certificate number",
        "address": "House number and street",
        "e-mail": "E-mail",
    },
    "French": {
        "name": "Nom et prénom du chef de ménage",
        "phone": "Numéro de téléphone",
        "position": "Coordonnées du logement",
        "document": "Numéro de la carte d'identité",
        "address": "Adresse du ménage",
        "e-mail": "Courriel",
    },
    "Spanish": {
        "name": "Nombres y apellidos",
        "phone": "Número de celular",
        "position": "Coordenadas de la vivienda",
        "document": "Número de cédula",
        "address": "Dirección de la vivienda",
        "e-mail": "Correo electrónico",
    },
    "Khmer": {
        "name": "ឈ្មោះពេញរបស់អ្នកឆ្លើយ",
        "phone": "លេខទូរស័ព្ទដៃ",
        "position": "រយៈទទឹងនៃផ្ទះ",
        "document": "លេខអត្តសញ្ញាណប័ណ្ណ",
        "address": "អាសយដ្ឋានបច្ចុប្បន្ន",
        "e-mail": "អ៊ីមែល",
    },
    "Lao": {
        "name": "ຊື່ ແລະ ນາມສະກຸນ",
        "phone": "ເບີໂທລະສັບ",
        "position": "ພິກັດຂອງເຮືອນ",
        "document": "ເລກບັດປະຈຳຕົວ",
        "address": "ທີ່ຢູ່ປັດຈຸບັນ",
        "e-mail": "ອີເມວ",
    },
    "Thai": {
        "name": "ชื่อ-นามสกุล",
        "phone": "เบอร์โทรติดต่อ",
        "position": "พิกัดบ้าน",
        "document": "เลขประจำตัวประชาชน",
        "address": "ที่อยู่ปัจจุบัน",
        "e-mail": "อีเมล",
    },
    "Vietnamese": {
        "name": "Họ và tên chủ hộ",
        "phone": "Số điện thoại",
        "position": "Tọa độ nhà",
        "document": "Số căn cước công dân",
        "address": "Địa chỉ thường trú",
        "e-mail": "Thư điện tử",
    },
}
CELLS = {
    "name": "Sok Dara",
    "phone": "012 345 678",
    "position": "11.5564 104.9282",
    "document": "A1203456789",
    "address": "12 Street 240",
    "e-mail": "a@example.org",
}


@pytest.mark.parametrize("language", LABELS)
@pytest.mark.parametrize("kind", CELLS)
def test_labels_in_the_languages_of_the_field(language: str, kind: str) -> None:
    """Two short cells: the label alone must tell."""
    data = Microdata.from_frame(
        pd.DataFrame({"q7": ["x1", "y2"]}), [Variable(name="q7", label=LABELS[language][kind])]
    )
    assert [i.kind for i in find_identifiers(data)] == [kind]


@pytest.mark.parametrize(
    "name",
    [
        "hhgps1", "_geolocation", "gps_Latitude", "respName", "NOM_ENQUETE", "apellido_1", "hoTen",
        "telefono2", "phonenumber", "deviceid", "meta-instanceName", "SubmitterName", "_submitted_by",
        "username", "cccd", "N_CNI", "selfie_photo", "signature",
    ],
)  # fmt: skip
def test_names_of_columns(name: str) -> None:
    data = Microdata.from_frame(pd.DataFrame({name: ["x1", "y2"]}))
    assert len(find_identifiers(data)) == 1


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"Sok Dara{c}" for c in "abcdef"], "name"),
        ([f"Keo Sopheap {c}" for c in "ABCDEF" for _ in range(4)], "name"),
        ([f"NGUYỄN VĂN {c}" for c in "ABCDEF"], "name"),
        ([f"សុខ{c}ដារា" for c in "កខគឃងចឆជឈញ"], "free text"),
        (["Sokha", "Dara", "Bopha", "Vanna", "Rith", "Chan", "Sothea", "Nary", "Thy", "Ny Ka"], "free text"),
        ([f"11.5{i}64 104.9{i}82 0 0;11.6{i}11 104.8{i}22 0 0" for i in range(6)], "position"),
        ([f"11°33'2{i}.1\"N 104°55'{i}.2\"E" for i in range(6)], "position"),
        ([f"170000000{i}.jpg" for i in range(6)], "picture or recording"),
        ([f"+84 90 123 45 6{i}" for i in range(6)], "phone"),
        ([1_234_567_890_100 + i for i in range(8)], "document"),
    ],
)  # fmt: skip
def test_what_stands_in_the_cells(values: list[object], kind: str) -> None:
    """Neither name nor label say anything."""
    data = Microdata.from_frame(pd.DataFrame({"q17": values}))
    assert [i.kind for i in find_identifiers(data)] == [kind]


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("fl12", "Did the employer keep your passport?", ["yes", "no", "yes"]),
        ("fl12", "Did the employer keep your passport?", [1, 2, 1]),
        ("phone_calls", "Phone calls in the last week", [3, 0, 12, 4]),
        ("how_long", "How long did you work there, months", [3, 12, 24]),
        ("income", "Monthly income (KHR)", [1_200_000_000 + i for i in range(9)]),
        ("start", "", [1_700_000_000 + i for i in range(9)]),
        ("occupation", "Occupation", ["farmer", "driver", "farmer", "maid", "farmer", "driver"] * 3),
        ("nom_dpto", "", ["Salto", "Rivera", "Artigas"] * 5),
        ("hh_id", "", [10_150_000_001 + i for i in range(20)]),
    ],
)
def test_what_names_nobody_stays(name: str, label: str, values: list[object]) -> None:
    data = Microdata.from_frame(pd.DataFrame({name: values}), [Variable(name=name, label=label)])
    assert find_identifiers(data) == ()


def test_a_label_for_a_missing_code_hides_no_name(tmp_path: Path) -> None:
    """A telephone column with 99 labelled "refused" is no coded answer."""
    frame = pd.DataFrame({"q9": [85_512_345_678, 85_512_345_679, 99], "q10": ["Sok Dara", "Chan Rith", "99"]})
    data = Microdata.from_frame(
        frame,
        [
            Variable(name="q9", label="Telephone", value_labels={99: "Refused"}),
            Variable(name="q10", label="Name", value_labels={"99": "Refused"}),
        ],
    )
    assert {i.name: i.kind for i in find_identifiers(data)} == {"q9": "phone", "q10": "name"}


@pytest.mark.parametrize(
    ("label", "named"),
    [
        ("Name of the interviewer", True),
        ("Nom de l'enquêteur", True),
        ("ឈ្មោះអ្នកសម្ភាសន៍", True),
        ("Họ tên điều tra viên", True),
        ("Name of the province", False),
        ("Interviewer number", False),
    ],
)
def test_names_in_value_labels(label: str, named: bool) -> None:
    codes = {1: "Sok Dara", 2: "Chan Rith", 3: "Keo Sophea"}
    data = Microdata.from_frame(
        pd.DataFrame({"q2": [1, 2, 3]}), [Variable(name="q2", label=label, value_labels=codes)]
    )
    assert bool(find_identifiers(data)) == named


@pytest.mark.parametrize("extension", [".sav", ".dta", ".parquet", ".csv"])
def test_nothing_is_left_of_them(tmp_path: Path, extension: str) -> None:
    """Neither cells, nor labels, nor codes, nor what stands beside a column, in any byte of the file."""
    secrets = ["Sokha Dararith", "012 345 678", "Chan Bopharith", "11.556412"]
    frame = pd.DataFrame(
        {
            "q1": [f"{secrets[0]} {i}" for i in range(12)],
            "q2": [secrets[1]] * 12,
            "q2__missing": ["refused"] + [None] * 11,
            "q3": [1, 2] * 6,
            "lat": [11.556412 + i / 1e5 for i in range(12)],
            "age": list(range(12)),
        }
    )
    data = Microdata.from_frame(
        frame,
        [
            Variable(name="q1", label="Head of household: name"),
            Variable(name="q2", label="Phone of Sokha's house"),
            Variable(name="q3", label="Interviewer name", value_labels={1: secrets[2], 2: "Keo Sopheap"}),
            Variable(name="age", label="Age"),
        ],
        name="hh.sav",
    )
    bare = strip_identifiers(data)
    assert list(bare.frame.columns) == ["age"]
    file = write_microdata(bare, tmp_path / f"bare{extension}")
    content = file.read_bytes().decode("latin-1") + inspect_data(bare).to_html() + ddi_codebook(bare)
    assert not [s for s in (*secrets, "Sokha", "Sopheap") if s in content]
    assert list(read_microdata(file).variables) == ["age"]
    # what is shown of the whole file names the columns, and nobody
    shown = inspect_data(data).to_html() + ddi_codebook(data) + repr(inspect_data(data))
    assert "Interviewer name" in shown
    assert not [s for s in secrets if s in shown]
