"""What an administrator gets wrong is said with its file and its dotted path."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from ernbot.config import ConfigError, load_settings, read_secret
from ernbot.core.assurance import Assurance, Policy
from ernbot.core.directory import CentreKind, Directory, Role
from ernbot.core.errors import BadInput
from ernbot.core.form import CODE_SYSTEMS, Form, Kind, find_form
from ernbot.form_files import check_forms, load_forms
from ernbot.network_files import load_directory

from .samples import FORM, NETWORK

SETTINGS = """
[homeserver]
url = "http://localhost:8008"
server_name = "example.org"
token_file = "secrets/token"
[vault]
key_file = "secrets/master.key"
previous_key_files = ["secrets/old.key"]
"""

NETWORK_FILE = """
id = "ern-cranio"
name = "ERN CRANIO"
opinion_form = "small"
[[competence]]
id = "cleft"
labels = { en = "Cleft", da = "Spalte" }
[[centre]]
id = "rotterdam"
name = "Erasmus MC"
country = "NL"
kind = "reference-centre"
competences = ["cleft"]
[[person]]
user = "anna"
name = "Anna Jensen"
centre = "rotterdam"
competences = ["cleft"]
[[person]]
user = "@bram:other.example"
name = "Bram de Vries"
centre = "rotterdam"
role = "coordinator"
languages = ["nl", "en"]
"""

FORM_FILE = """
id = "small"
version = "1.2"
labels = { en = "Small" }
[[field]]
id = "step"
kind = "choice"
labels = { en = "Step" }
[[field.option]]
id = "surgery"
labels = { en = "Surgery" }
[[field.option]]
id = "watch"
labels = { en = "Watch" }
[[field]]
id = "size"
kind = "quantity"
unit = "mm"
minimum = 0.1
required = false
labels = { en = "Size" }
"""


def written(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def changed(content: str, old: str, new: str) -> str:
    assert old in content
    return content.replace(old, new, 1)


def test_settings_have_defaults_and_absolute_paths(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, "ernbot.toml", SETTINGS))
    assert settings.bot_user_id == "@ernbot:example.org"
    assert settings.homeserver.device_id == "ERNBOT"
    assert settings.homeserver.token_file == tmp_path / "secrets/token"
    assert settings.vault.key_file == tmp_path / "secrets/master.key"
    assert settings.vault.previous_key_files == (tmp_path / "secrets/old.key",)
    assert settings.networks == tmp_path / "networks"
    assert settings.files.max_megabytes == 1024


def test_by_default_records_ask_for_an_unchanged_identity(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "ernbot.toml", SETTINGS)).trust.policy == Policy()
    strict = '[trust]\ncommands = "unchanged"\nrecords = "verified"\nroom_keys = "unchanged"\n'
    settings = load_settings(written(tmp_path, "ernbot.toml", SETTINGS + strict))
    assert settings.trust.policy == Policy(Assurance.UNCHANGED, Assurance.VERIFIED, Assurance.UNCHANGED)


@pytest.mark.parametrize("setting", ["commands", "records", "room_keys"])
@pytest.mark.parametrize("value", ['"none"', '"NONE"', '"unsigned"', '"Signed"', '""', "0", "1", "false", "[]"])
def test_nothing_weaker_than_a_signed_device_can_be_set(tmp_path: Path, setting: str, value: str) -> None:
    path = written(tmp_path, "ernbot.toml", f"{SETTINGS}[trust]\n{setting} = {value}\n")
    with pytest.raises(ConfigError, match=f"at 'trust.{setting}': Input should be 'signed'"):
        load_settings(path)


def test_room_keys_are_for_more_people_than_have_compared_emoji(tmp_path: Path) -> None:
    """Before the first message nobody could compare any."""
    path = written(tmp_path, "ernbot.toml", SETTINGS + '[trust]\nroom_keys = "verified"\n')
    with pytest.raises(ConfigError, match=r"at 'trust\.room_keys': Input should be 'signed' or 'unchanged'"):
        load_settings(path)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("server_name", "servername", "at 'homeserver.servername': unknown key"),
        ("server_name", "servername", "at 'homeserver.server_name': Field required"),
        ("[vault]", "[files]\nmax_megabyte = 1\n[vault]", "at 'files.max_megabyte': unknown key"),
        ("[vault]", "[files]\nmax_megabytes = 0\n[vault]", "at 'files.max_megabytes': "),
        ("[vault]", "[files]\nmax_megabytes = 'x'\n[vault]", "at 'files.max_megabytes': "),
        ("[vault]", "[files]\npreview_seconds = nan\n[vault]", "at 'files.preview_seconds': "),
        ("http://", "file://", "at 'homeserver.url': "),
        ('key_file = "secrets/master.key"', "", "at 'vault': give either key_file or key_env"),
        ("[vault]", "[vault]\nkey_env = 'KEY'", "at 'vault': give either key_file or key_env"),
        ("[vault]", "[vaults]", "at 'vaults': unknown key"),
        ("[homeserver]", "[homeserver", "is not valid TOML"),
        ("[homeserver]", "homeserver = 1\n[x]", "at 'homeserver': "),
    ],
)
def test_a_fault_in_the_settings_has_its_path(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = written(tmp_path, "ernbot.toml", changed(SETTINGS, old, new))
    with pytest.raises(ConfigError) as error:
        load_settings(path)
    assert any(line.startswith(f"{path}: {complaint}") for line in str(error.value).splitlines()), str(error.value)


def test_assistants_and_triage_are_read(tmp_path: Path) -> None:
    settings = changed(NETWORK_FILE, 'name = "ERN CRANIO"', 'name = "ERN CRANIO"\ntriage = true\ntake_over_days = 7')
    assists = changed(settings, 'role = "coordinator"', 'role = "assistant"\nassists = ["anna"]')
    written(tmp_path, "one.toml", assists)
    directory = load_directory(tmp_path, "example.org")
    assert (directory.networks[0].triage, directory.networks[0].take_over_days) == (True, 7)
    assert directory.assisted_by("@bram:other.example") == ("@anna:example.org",)
    assert directory.assistants_of("@anna:example.org") == ("@bram:other.example",)
    assert not directory.treats_patients("@bram:other.example")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "ernbot.toml"
    with pytest.raises(ConfigError, match=f"^{re.escape(str(missing))}: cannot be read: No such file"):
        load_settings(missing)
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)
    missing.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        load_settings(missing)


def test_a_network_file_becomes_a_network(tmp_path: Path) -> None:
    written(tmp_path, "one.toml", NETWORK_FILE)
    written(tmp_path, "notes.txt", "not read")
    (network,) = load_directory(tmp_path, "example.org").networks
    assert (network.id, network.opinion_form) == ("ern-cranio", "small")
    assert network.competences[0].labels == {"en": "Cleft", "da": "Spalte"}
    assert network.centres[0].kind is CentreKind.REFERENCE
    assert [(p.user_id, p.role, p.languages) for p in network.people] == [
        ("@anna:example.org", Role.CLINICIAN, ("en",)),
        ("@bram:other.example", Role.COORDINATOR, ("nl", "en")),
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("opinion_form", "opinionform", "at 'opinionform': unknown key"),
        ("country", "land", "at 'centre.0.land': unknown key"),
        ('"NL"', '"nl"', "at 'centre.0.country': "),
        ("reference-centre", "referencecentre", "at 'centre.0.kind': "),
        ("coordinator", "boss", "at 'person.1.role': "),
        ('"anna"', '"anna jensen"', "at 'person.0.user': "),
        ('id = "cleft"', 'id = "Cleft"', "at 'competence.0.id': "),
        ('{ en = "Cleft", da = "Spalte" }', "{}", "at 'competence.0.labels': "),
        ('en = "Cleft"', 'en = " "', "at 'competence.0.labels.en': "),
        ('centre = "rotterdam"', 'centre = "delft"', "person 'anna' names the unknown centre 'delft'"),
        (
            'competences = ["cleft"]\n[[person]]',
            'competences = ["skull"]\n[[person]]',
            "centre 'rotterdam' names the unknown",
        ),
        ('"@bram:other.example"', '"anna"', "person 'anna' is there twice"),
        ('name = "ERN CRANIO"', 'name = "ERN CRANIO"\ntriage = "often"', "at 'triage': "),
        ('name = "ERN CRANIO"', 'name = "ERN CRANIO"\ntake_over_days = -1', "at 'take_over_days': "),
        (
            'role = "coordinator"',
            'assists = ["nobody"]',
            "person '@bram:other.example' assists '@nobody:example.org', who is no",
        ),
        ('role = "coordinator"', 'assists = ["@bram:other.example"]', "person '@bram:other.example' assists '@bram"),
        (
            '"reference-centre"',
            '"research-centre"\n[[person]]\nuser = "eva"\nname = "Eva"\ncentre = "rotterdam"\n'
            'assists = ["anna"]\n[[centre]]\nid = "x"\nname = "X"\ncountry = "NL"\nkind = "member-hospital"',
            "person '@eva:example.org' assists '@anna:example.org', who does not work at the same",
        ),
    ],
)
def test_a_fault_in_a_network_has_its_path(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = written(tmp_path, "one.toml", changed(NETWORK_FILE, old, new))
    with pytest.raises(ConfigError) as error:
        load_directory(tmp_path, "example.org")
    assert any(line.startswith(f"{path}: {complaint}") for line in str(error.value).splitlines()), str(error.value)


def test_networks_are_there_and_there_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no network"):
        load_directory(tmp_path, "example.org")
    for name in ("one.toml", "two.toml"):
        written(tmp_path, name, NETWORK_FILE)
    with pytest.raises(ConfigError, match="network 'ern-cranio' is there twice"):
        load_directory(tmp_path, "example.org")


def test_a_form_file_becomes_a_form(tmp_path: Path) -> None:
    written(tmp_path, "small.toml", FORM_FILE)
    forms = load_forms(tmp_path)
    step, size = forms["small"].fields
    assert [option.id for option in step.options] == ["surgery", "watch"]
    assert (size.unit, size.minimum, size.required) == ("mm", Decimal("0.1"), False)
    assert forms["small"].parse({"step": "watch", "size": "0,1"}) == {"step": "watch", "size": "0.1 mm"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("required", "requird", "at 'field.1.requird': unknown key"),
        ('"choice"', '"chioce"', "at 'field.0.kind': "),
        ('version = "1.2"', "version = 1", "at 'version': "),
        ('id = "watch"', 'id = "surgery"', "at 'field.0': option 'surgery' is there twice"),
        (
            '[[field.option]]\nid = "watch"\nlabels = { en = "Watch" }\n',
            "",
            "at 'field.0': a choice needs at least two",
        ),
        ('id = "size"', 'id = "step"', "field 'step' is there twice"),
        ("minimum = 0.1", "minimum = 3\nmaximum = 3", "at 'field.1': minimum must be below maximum"),
        ("minimum = 0.1", "minimum = nan", "at 'field.1.minimum': "),
        ('"quantity"', '"scale"', "at 'field.1': a scale needs minimum and maximum"),
        ('"quantity"', '"code"', "at 'field.1': a code needs at least one of the systems ORPHA"),
        ('unit = "mm"', 'systems = ["XYZ"]', "at 'field.1': unknown code system 'XYZ'"),
    ],
)
def test_a_fault_in_a_form_has_its_path(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = written(tmp_path, "small.toml", changed(FORM_FILE, old, new))
    with pytest.raises(ConfigError) as error:
        load_forms(tmp_path)
    assert any(line.startswith(f"{path}: {complaint}") for line in str(error.value).splitlines()), str(error.value)


@pytest.mark.parametrize(("low", "high"), [("0.5", "3"), ("1", "1000"), ("-1", "5"), ("1", "4.5")])
def test_a_scale_has_points_that_can_be_typed(tmp_path: Path, low: str, high: str) -> None:
    scale = f'"scale"\nmaximum = {high}'
    written(tmp_path, "small.toml", FORM_FILE.replace('"quantity"', scale).replace("0.1", low))
    with pytest.raises(ConfigError, match="a scale needs minimum and maximum, whole numbers from 0 to 999"):
        load_forms(tmp_path)


def test_forms_are_there_once_and_every_network_has_its_own(tmp_path: Path) -> None:
    written(tmp_path, "one.toml", FORM_FILE)
    written(tmp_path, "two.toml", FORM_FILE)
    with pytest.raises(ConfigError, match="form 'small' is there twice"):
        load_forms(tmp_path)
    check_forms(Directory((NETWORK,)), {"small": FORM})
    with pytest.raises(ConfigError, match="network 'ern-cranio': at 'opinion_form': there is no form 'small'"):
        check_forms(Directory((NETWORK,)), {})


def test_a_network_asks_with_one_form_or_one_for_each_type_of_question(tmp_path: Path) -> None:
    several = """opinion_form = [
    { question = "treatment", form = "small" },
    { question = "diagnosis", form = "other" },
]"""
    old = next(line for line in NETWORK_FILE.splitlines() if line.startswith("opinion_form"))
    written(tmp_path, "one.toml", changed(NETWORK_FILE, old, several + '\nblind = "lead"'))
    (network,) = load_directory(tmp_path, "example.org").networks
    assert (network.opinion_form, network.blind) == ("small", "lead")
    assert [network.form_for(kind) for kind in ("treatment", "diagnosis", "both", "")] == [
        *("small", "other", "small", "small")
    ]
    with pytest.raises(ConfigError, match="there is no form 'other'"):
        check_forms(Directory((network,)), {"small": FORM})


CONDITIONAL = """
[[field]]
id = "why"
kind = "text"
required = false
when = "step == surgery"
labels = { en = "Why" }

[[group]]
id = "tests"
before = "why"
repeats = { maximum = 2 }
labels = { en = "Tests" }
[[group.field]]
id = "test"
kind = "code"
systems = ["LOINC"]
labels = { en = "Test" }
"""


def test_conditions_and_groups_become_fields(tmp_path: Path) -> None:
    written(tmp_path, "small.toml", FORM_FILE + CONDITIONAL)
    form = load_forms(tmp_path)["small"]
    assert [field.id for field in form.fields] == ["step", "size", "test", "test-2", "why"]
    assert form.parse({"step": "watch"}) == {"step": "watch"}
    with pytest.raises(BadInput) as idle:
        form.parse({"step": "watch", "why": "x"})
    assert (idle.value.code, idle.value.fields) == ("answer-idle", {"field": "why", "when": "step == surgery"})
    with pytest.raises(BadInput, match="answer-idle"):
        form.parse({"step": "surgery", "test-2": "LOINC:1234-5"})
    several = {"step": "surgery", "test": "LOINC:1234-5", "test-2": "loinc: 1-8", "why": "x"}
    assert form.parse(several) == {**several, "test-2": "LOINC:1-8"}


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('when = "step == surgery"', 'when = "step = surgery"', "field 'why': at 'when': == or in expected at '='"),
        ('when = "step == surgery"', 'when = "step == sugery"', "field 'why': 'step' never has the answer 'sugery'"),
        ('when = "step == surgery"', 'when = "later == x"', "field 'why': its condition names 'later', which is not"),
        ('when = "step == surgery"', 'when = "why == x"', "field 'why': its condition names 'why', which is not"),
        ('when = "step == surgery"', 'when = "size == 3"', "field 'why': of 'size' it can only be asked whether it is"),
        ('before = "why"', 'before = "nothing"', "group 'tests' stands before the unknown field 'nothing'"),
        ("maximum = 2", "maximum = 21", "at 'group.0.repeats.maximum': "),
        ('kind = "text"', 'kind = "text"\ncertainty = true', "at 'field.2': certainty is asked of choice, code, date"),
        ('kind = "text"', 'kind = "text"\npartial = true', "at 'field.2': partial and future are for a date"),
        ('id = "test"', 'id = "why"', "field 'why' is there twice"),
        ('unit = "mm"', 'unit = "inch"', "at 'field.1': unknown unit 'inch'; known are d, wk"),
        ("[[group.field]]", "[[group.feld]]", "at 'group.0.field': Field required"),
    ],
)
def test_a_fault_in_a_condition_or_a_group_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = written(tmp_path, "small.toml", changed(FORM_FILE + CONDITIONAL, old, new))
    with pytest.raises(ConfigError) as error:
        load_forms(tmp_path)
    assert any(line.startswith(f"{path}: {complaint}") for line in str(error.value).splitlines()), str(error.value)


def test_the_newest_version_of_a_form_is_asked_and_the_older_ones_are_kept(tmp_path: Path) -> None:
    for version in ("1.9", "1.10", "1.2"):
        written(tmp_path, f"small@{version}.toml", FORM_FILE.replace("1.2", version))
    forms = load_forms(tmp_path)
    assert set(forms) == {"small", "small@1.2", "small@1.9", "small@1.10"}
    assert forms["small"].version == "1.10"
    assert find_form(forms, "small", "1.9") is forms["small@1.9"]
    assert find_form(forms, "small", "2") is None


def test_a_secret_comes_from_its_file_or_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "key", " secret\n")
    monkeypatch.setenv("ERNBOT_KEY", "other")
    assert read_secret(path, None, "master key") == "secret"
    assert read_secret(None, "ERNBOT_KEY", "master key") == "other"
    with pytest.raises(ConfigError, match="cannot read the master key: No such file"):
        read_secret(tmp_path / "none", None, "master key")
    with pytest.raises(ConfigError, match="environment variable ERNBOT_NONE: the master key is empty"):
        read_secret(None, "ERNBOT_NONE", "master key")
    with pytest.raises(ConfigError, match="the master key is empty"):
        read_secret(written(tmp_path, "key", "\n"), None, "master key")


FORMS = load_forms(Path("config/forms"))


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_our_forms_use_every_kind_and_take_one_minute(form: Form) -> None:
    kinds: set[Kind] = {field.kind for field in form.fields}
    assert kinds >= {"choice", "choices", "scale", "quantity", "code", "text"}
    assert sum(field.required for field in form.fields) <= 4
    assert {system for field in form.fields for system in field.systems} >= {"ORPHA", "HP"} <= CODE_SYSTEMS.keys()
    for labels in (form.labels, *(f.labels for f in form.fields), *(o.labels for f in form.fields for o in f.options)):
        assert labels.keys() == {"en", "da"}


@pytest.mark.parametrize(
    ("form", "answers"),
    [
        ("cranio-opinion", {"diagnosis": "ORPHA:2343", "recommendation": "surgery", "confidence": "4"}),
        ("ecnm-opinion", {"diagnosis": "ORPHA:2467", "recommendation": "kit", "confidence": "4"}),
    ],
)
def test_one_line_is_enough_for_our_forms(form: str, answers: dict[str, str]) -> None:
    assert FORMS[form].parse(answers) == {**answers, "confidence": 4}


def test_an_option_is_never_meant_by_two_answers() -> None:
    for form in FORMS.values():
        for field in form.fields:
            names = [{option.id, *(label.casefold() for label in option.labels.values())} for option in field.options]
            assert sum(map(len, names)) == len(set().union(*names)), f"{form.id}: {field.id}"
