"""`ernbot directory`: what spreadsheets write is understood, what is not is said row by row, and nothing is guessed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.plan import desired
from bridge.settings import Configuration
from ernbot import directory_csv
from ernbot.__main__ import run_command
from ernbot.config import ConfigError
from ernbot.core.directory import Directory
from ernbot.network_files import load_directory

CONFIG = Path(__file__).parents[1] / "config"
SERVER = "ern.localhost"
SETTINGS = f"""
[homeserver]
url = "http://127.0.0.1:8008"
server_name = "{SERVER}"
token_file = "token"
[vault]
key_file = "master_key"
"""
BRIDGE = f"""
[homeserver]
url = "http://127.0.0.1:8008"
server_name = "{SERVER}"
as_token = {{ env = "A" }}
hs_token = {{ env = "B" }}
admin_token = {{ env = "C" }}
[bot]
token_file = "token"
"""
HEAD = "user,name,centre,network,role,competences,languages,away,available"
ZOFIA = "zofia.wrona,Zofia Wroña-Łęcka,jasnybor,ern-cranio,,craniosynostosis,pl|en,,"


@dataclass
class Desk:
    """A folder with the networks, and an administrator in front of it."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    @property
    def people(self) -> Path:
        return self.folder / "networks" / "ern-cranio.people.toml"

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit status, and everything that was said."""
        status = run_command(["directory", *arguments, "--config", str(self.folder / "ernbot.toml")])
        said = self.capture.readouterr()
        return status, said.out + said.err

    def take(self, content: str | bytes, *arguments: str) -> tuple[int, str]:
        """What an import says of a file."""
        path = self.folder / "people.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.run("import", str(path), *arguments)

    def row(self, row: str) -> str:
        """What an import says of one row."""
        return self.take(f"{HEAD}\n{row}\n")[1].splitlines()[0]

    def directory(self) -> Directory:
        return load_directory(self.folder / "networks", SERVER)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    (tmp_path / "ernbot.toml").write_text(SETTINGS)
    (tmp_path / "bridge.toml").write_text(BRIDGE)
    shutil.copytree(CONFIG / "networks", tmp_path / "networks")
    return Desk(tmp_path, capsys)


def test_an_import_says_what_it_would_do_and_does_nothing(desk: Desk) -> None:
    before = sorted(path.name for path in (desk.folder / "networks").iterdir())
    status, said = desk.take(f"{HEAD}\n{ZOFIA}\nsaskia.devries,Saskia de Vries,zonneveer,ern-cranio,,,nl,,\n")
    assert (status, said.splitlines()) == (
        1,
        [
            "line 2: added: zofia.wrona (Zofia Wroña-Łęcka, jasnybor)",
            "line 3: refused: saskia.devries is listed by hand in ern-cranio.toml. Change it there.",
            "1 added, 0 changed, 0 unchanged, 1 refused. Read as UTF-8.",
            "Nothing was written. Add --write to do so.",
        ],
    )
    assert sorted(path.name for path in (desk.folder / "networks").iterdir()) == before


def test_what_is_written_is_part_of_the_network_and_of_the_plan(desk: Desk) -> None:
    by_hand = (desk.folder / "networks" / "ern-cranio.toml").read_bytes()
    status, said = desk.take(f"{HEAD}\n{ZOFIA}\n", "--write")
    assert status == 0
    assert f"Wrote {desk.people}." in said
    assert (desk.folder / "networks" / "ern-cranio.toml").read_bytes() == by_hand
    network = desk.directory().network("ern-cranio")
    assert network is not None
    person = network.person(f"@zofia.wrona:{SERVER}")
    assert person is not None
    assert (person.name, person.languages) == ("Zofia Wroña-Łęcka", ("pl", "en"))
    plan = desired(Configuration(desk.folder / "bridge.toml").directory(), f"@ernbot:{SERVER}", "Case rooms")
    assert plan.accounts[f"@zofia.wrona:{SERVER}"] == "Zofia Wroña-Łęcka"


def test_the_same_list_again_changes_nothing_and_makes_the_same_file(desk: Desk) -> None:
    rows = [ZOFIA, "b.b,Bea Bo,havblik,ern-cranio,helpdesk,,da,2026-07-01..2026-07-31|1.9.2026,no"]
    desk.take("\n".join([HEAD, *rows]), "--write")
    written = desk.people.read_bytes()
    assert desk.take("\n".join([HEAD, *reversed(rows)]), "--write") == (
        0,
        "line 2: unchanged: b.b\nline 3: unchanged: zofia.wrona\n"
        "0 added, 0 changed, 2 unchanged, 0 refused. Read as UTF-8.\nNothing to write.\n",
    )
    assert desk.people.read_bytes() == written
    said = desk.take(f"{HEAD}\n{ZOFIA.replace('craniosynostosis', 'ent')}", "--write")[1]
    assert said.startswith("line 2: changed: zofia.wrona (competences: craniosynostosis → ent)\n")
    assert "1 people of ern-cranio.people.toml are not in this list and stay." in said
    desk.take("\n".join([HEAD, *rows]), "--write")
    assert desk.people.read_bytes() == written


def test_what_is_exported_is_imported_unchanged(desk: Desk) -> None:
    desk.take(f"{HEAD}\n{ZOFIA}\nb.b,Bea Bo,havblik,ern-cranio,helpdesk,,da,2026-07-01..2026-07-31,no", "--write")
    status, exported = desk.run("export")
    assert status == 0
    status, said = desk.take(exported)
    assert status == 0
    assert "0 added, 0 changed" in said
    assert "0 refused. Read as UTF-8 with BOM." in said


def test_an_exported_cell_is_no_formula(desk: Desk) -> None:
    file = desk.folder / "networks" / "ern-cranio.toml"
    hostile = '[[person]]\nuser = "x.y"\nname = "=cmd|\' /C calc\'!A0"\ncentre = "havblik"\n\n[[group]]'
    other = '[[person]]\nuser = "@a+b:ern.localhost"\nname = "-2+3"\ncentre = "havblik"\n\n'
    file.write_text(file.read_text().replace("[[group]]", other + hostile, 1))
    cells = [cell for line in desk.run("export")[1].splitlines() for cell in line.removeprefix("\ufeff").split(",")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert {"'=cmd|' /C calc'!A0", "'-2+3", "'@a+b:ern.localhost"} <= set(cells)


ENCODED = [
    ("utf-8", "UTF-8"),
    ("utf-8-sig", "UTF-8 with BOM"),
    ("utf-16", "UTF-16"),
    ("cp1252", "Windows-1252"),
]


@pytest.mark.parametrize(("encoding", "name"), ENCODED)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(desk: Desk, encoding: str, name: str, separator: str, end: str) -> None:
    rows = [HEAD, "jorg.x,Jörg Ødegård,Hôpital Val-Clair,ern-cranio,,ent,fr,,", "", ",,,,,,,,"]
    text = end.join(row.replace(",", separator) for row in rows) + end
    said = desk.take(text.encode(encoding))[1]
    assert said.startswith("line 2: added: jorg.x (Jörg Ødegård, val-clair)\n")
    assert f"Read as {name}." in said


def test_the_habits_of_spreadsheets_are_understood(desk: Desk) -> None:
    text = 'sep=;\nMatrix ID;"Name";Hospital;Competences;Languages;Available;;\n'
    text += '="jorg.x";"Jörg\u00a0 Ødegård";"hopital  val-clair";"ENT; craniosynostosis";DA, en;WAHR;;\n'.replace(
        "WAHR", "Ja"
    )
    text += "'@b.b:ern.localhost;Bea Bo;havblik;Øre-næse-hals-lidelser;;;;\n"
    status, said = desk.take(text, "--network", "ern-cranio", "--write")
    assert (status, said.splitlines()[:2]) == (
        0,
        [
            "line 3: added: jorg.x (Jörg Ødegård, val-clair)",
            "line 4: added: @b.b:ern.localhost (Bea Bo, havblik)",
        ],
    )
    network = desk.directory().network("ern-cranio")
    assert network is not None
    assert [network.person(f"@{u}:{SERVER}").competences for u in ("jorg.x", "b.b")] == [  # type: ignore[union-attr]
        ("ent", "craniosynostosis"),
        ("ent",),
    ]


UNUSABLE = [
    (b"", "The file is empty."),
    (b"\xff\xfe", "The columns are not separated by commas, semicolons, tabs."),
    (b"PK\x03\x04\0\0\0\0xl/workbook.xml", "The file is no text that I can read. Save it as “CSV UTF-8”"),
    (f"{HEAD}\n".encode("utf-16-le"), "The file is no text that I can read. Save it as “CSV UTF-8”"),
    (b"user,name,centre\nx,J\x81rg,y\n", "The file is neither UTF-8, UTF-16 nor Windows-1252."),
    (b"\xef\xbb\xbfuser,name,centre\nx,\xff,y\n", "The file is neither UTF-8, UTF-16 nor Windows-1252."),
    (b"user|name|centre\nx|y|z\n", "The columns are not separated by commas, semicolons, tabs."),
    (b"user,name\nx,y\n", "The file lacks the columns: centre."),
    (b"user,name,centre,phone\nx,y,z,1\n", "The column “phone” is unknown. Known are: user, name,"),
    (b"user,name,centre,hospital\nx,y,z,1\n", "The column “centre” is there twice."),
    (b"user,name,centre\n", "The file has no rows below its heads."),
    (b'user,name,centre\nx,"y,z\n', "the file is no CSV"),
    (b"user,name,centre\nx," + b"y" * 200_000 + b",z\n", "the file is no CSV"),
]


@pytest.mark.parametrize(("data", "sentence"), UNUSABLE)
def test_a_file_that_is_no_use_is_refused_in_one_sentence(desk: Desk, data: bytes, sentence: str) -> None:
    status, said = desk.take(data)
    assert status == 1
    assert sentence in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_a_million_rows_are_refused_before_they_are_read(desk: Desk) -> None:
    rows = b"u,n,c\n" * 1_000_000
    status, said = desk.take(b"user,name,centre\n" + rows)
    assert (status, said.count("\n")) == (1, 1)
    assert "more than 50,000 rows. Import it in parts." in said
    status, said = desk.take(b"user,name,centre\n" + rows * 3)
    assert "larger than 16 MB. Import it in parts." in said


REFUSED = [
    (",A B,havblik,ern-cranio,,,,,", "has no user. Give the Matrix user name, such as anna.jensen."),
    ("Anna.B,A B,havblik,ern-cranio,,,,,", "“Anna.B” is no Matrix user name. Allowed are small letters"),
    ("@a b:ern.localhost,A B,havblik,ern-cranio,,,,,", "“@a b:ern.localhost” is no Matrix user name."),
    ("\u0430nna,A B,havblik,ern-cranio,,,,,", "“\u0430nna” holds “\u0430” (CYRILLIC SMALL LETTER A)."),
    ("@a:else.where,A B,havblik,ern-cranio,,,,,", "@a:else.where is not of ern.localhost, and case rooms are not"),
    (f"{'a' * 250},A B,havblik,ern-cranio,,,,,", "has a user name that is too long."),
    ("a.b,,havblik,ern-cranio,,,,,", "has no name, or one of more than 100 characters."),
    ("a.b,Zieli³ski,havblik,ern-cranio,,,,,", "“Zieli³ski” holds “³”. Was the file saved in another encoding?"),
    ("a.b,=HYPERLINK(1),havblik,ern-cranio,,,,,", "holds “=”."),
    ("a.b,A\u202eB,havblik,ern-cranio,,,,,", "holds “\u202e”."),
    ("a.b,S\u0430skia de Vries,havblik,ern-cranio,,,,,", "mixes letters of Cyrillic and Latin that look alike."),
    ("a.b,A B,havblick,ern-cranio,,,,,", "names the unknown centre “havblick”. Did you mean havblik?"),
    ("a.b,A B,Mayo,ern-cranio,,,,,", "names the unknown centre “Mayo”. Add it to the file of the network first."),
    ("a.b,A B,,ern-cranio,,,,,", "has no centre."),
    ("a.b,A B,havblik,,,,,,", "names no network. Add the column “network”, or use --network."),
    ("a.b,A B,havblik,ern-skin,,,,,", "names the unknown network “ern-skin”. Known are: ecnm, ern-cranio."),
    ("a.b,A B,havblik,ern-cranio,boss,,,,", "names the unknown role “boss”."),
    ("a.b,A B,havblik,ern-cranio,,teeth,,,", "names the unknown competence “teeth”."),
    ("a.b,A B,havblik,ern-cranio,,,Danish,,", "“Danish” is no language. Write codes such as en or da."),
    ("a.b,A B,havblik,ern-cranio,,,,46204,", "“46204” is no date. Write absences as 2026-07-01..2026-07-31."),
    ("a.b,A B,havblik,ern-cranio,,,,2026-07-02..2026-07-01,", "“2026-07-02..2026-07-01” ends before it begins."),
    ("a.b,A B,havblik,ern-cranio,,,,,maybe", "available is “maybe”. Write yes or no."),
    ("a.b,A B,havblik,ern-cranio,,,,,yes,more", "has more cells than there are columns."),
]


@pytest.mark.parametrize(("row", "reason"), REFUSED)
def test_a_row_that_does_not_fit_is_refused_with_what_to_do(desk: Desk, row: str, reason: str) -> None:
    said = desk.row(row)
    assert said.startswith("line 2: refused: ")
    assert reason in said


def test_a_row_that_is_there_twice_is_taken_once(desk: Desk) -> None:
    said = desk.take(f"{HEAD}\n{ZOFIA}\n{ZOFIA}\n{ZOFIA.replace('jasnybor', 'havblik')}\n")[1]
    assert said.splitlines()[1:3] == [
        "line 3: unchanged: zofia.wrona (the same as line 2)",
        "line 4: refused: zofia.wrona is in line 2 as well, otherwise. Keep one of the two.",
    ]


def test_a_list_for_one_network_touches_no_other(desk: Desk) -> None:
    assert (
        "belongs to ern-cranio, and this import is for ecnm alone."
        in desk.take(f"{HEAD}\n{ZOFIA}", "--network", "ecnm")[1]
    )
    assert desk.take(f"{HEAD}\n{ZOFIA}", "--network", "nowhere") == (
        1,
        "There is no network nowhere. Known are: ecnm, ern-cranio.\n",
    )


def test_a_file_that_is_not_there_is_named(desk: Desk) -> None:
    status, said = desk.run("import", str(desk.folder / "gone.csv"))
    assert (status, said) == (1, f"{desk.folder / 'gone.csv'}: cannot be read: No such file or directory.\n")


PEOPLE_FAULTS = [
    ('[[person]]\nuser = "a"\nname = "A"\ncentre = "x"\n', "person 'a' names the unknown centre 'x'"),
    ('[[person]]\nuser = "saskia.devries"\nname = "A"\ncentre = "havblik"\n', "is in the file of the network as well"),
    ('[[person]]\nuser = "a"\nname = "A"\ncentre = "havblik"\nphone = 1\n', "at 'person.0.phone': unknown key"),
    ('[[persons]]\nuser = "a"\n', "at 'persons': unknown key"),
]


@pytest.mark.parametrize(("content", "complaint"), PEOPLE_FAULTS)
def test_a_fault_in_a_people_file_has_its_path(desk: Desk, content: str, complaint: str) -> None:
    desk.people.write_text(content)
    with pytest.raises(ConfigError) as error:
        desk.directory()
    assert str(error.value).startswith(f"{desk.people}: ")
    assert complaint in str(error.value)


def test_people_of_no_network_are_an_error(desk: Desk) -> None:
    (desk.folder / "networks" / "gone.people.toml").write_text("")
    with pytest.raises(ConfigError, match="there is no network 'gone'"):
        desk.directory()


def test_the_report_names_competences_with_no_or_only_one_reference_centre(desk: Desk) -> None:
    status, said = desk.run("report")
    assert status == 0
    assert "ERN CRANIO (ern-cranio): 0 of 4 competences have no or only one reference centre." in said
    file = desk.folder / "networks" / "ern-cranio.toml"
    file.write_text(
        file.read_text()
        .replace('id = "montelume"\n', 'id = "montelume"\nreference_for = []\n')
        .replace(
            'name = "Ospedale Montelume"\ncountry = "IT"\nkind = "reference-centre"',
            'name = "Ospedale Montelume"\ncountry = "IT"\nkind = "member-hospital"',
        )
    )
    assert desk.run("report")[1].splitlines()[1:] == [
        "ERN CRANIO (ern-cranio): 1 of 4 competences have no or only one reference centre.",
        "  craniofacial-microsomia: Zonneveer Children's Hospital (NL); 3 people in ES, IT, NL",
        "All networks: 1 of 9 competences, experts in 12 countries.",
    ]


def test_nothing_is_left_when_a_file_cannot_be_written(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ernbot.directory_command.os.replace", full)
    status, said = desk.take(f"{HEAD}\n{ZOFIA}", "--write")
    assert status == 2
    assert "cannot be written: No space left on device" in said
    assert {path.name for path in (desk.folder / "networks").iterdir()} == {"ecnm.toml", "ern-cranio.toml"}


def test_a_cell_survives_the_way_out_and_back() -> None:
    for text in ("=x", "+1", "-1", "@a", "plain", "O'Neill"):
        assert directory_csv._cell(directory_csv._harmless(text)) == text
