"""People of a network as CSV: what spreadsheets make of a list is understood, and what is not is said row by row.

A file is taken as a whole or refused with one sentence (`Unusable`): encoding, separator, columns, size. A row is taken
or refused with what to do about it (`RowRefused`). Nothing here reads or writes a file, or guesses: a row that could
mean two things is refused.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from rapidfuzz import fuzz, process

from ernbot.core.dates import parse_date
from ernbot.core.directory import Role
from ernbot.core.errors import BadInput
from ernbot.core.ranking import folded
from ernbot.network_files import AbsenceTable, NetworkFile, PersonTable, full_user_id

MAX_BYTES = 16 * 1024 * 1024
MAX_ROWS = 50_000
"""All clinicians of all European Reference Networks are fewer; a longer file is something else."""

REQUIRED = ("user", "name", "centre")
COLUMNS = (*REQUIRED, "network", "role", "competences", "languages", "assists", "away", "available")
ALSO = {
    "user id": "user",
    "matrix id": "user",
    "center": "centre",
    "hospital": "centre",
    "competence": "competences",
    "language": "languages",
}
"""Other heads under which a column is recognised."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with BOM", "utf-16": "UTF-16", "cp1252": "Windows-1252"}

YES = frozenset({"", "yes", "y", "ja", "true", "1", "x"})
NO = frozenset({"no", "n", "nej", "nein", "false", "0"})

DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""What a cell must not begin with in a spreadsheet, which would take it for a formula (OWASP, CSV injection)."""

_LOCALPART = re.compile(r"[a-z0-9._=/+-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_LIST = re.compile(r"[,;|\n]")
_SPAN = re.compile(r"\s*(?:\.\.|–|—|\bto\b|\buntil\b|\btil\b|\s-\s)\s*")
_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")
_IN_NAMES = frozenset(" .-'’,()/")


class Unusable(Exception):
    """A file that cannot be taken; its text says what to do."""


class RowRefused(Exception):
    """A row that cannot be taken; its text says why, and what to do."""


@dataclass(frozen=True)
class Row:
    """One row by the names of its columns; `line` is where it begins, counted from 1."""

    line: int
    cells: Mapping[str, str]


def decode(data: bytes) -> tuple[str, str]:
    """The text of a file, and the name of the encoding in which it was read.

    Raises:
        Unusable: the file is too large, empty, or in no encoding that spreadsheets write.
    """
    if len(data) > MAX_BYTES:
        raise Unusable(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Import it in parts.")
    if not data.strip():
        raise Unusable("The file is empty.")
    marked = next((name for mark, name in BYTE_ORDER_MARKS.items() if data.startswith(mark)), None)
    if marked is None and b"\0" in data:
        raise Unusable("The file is no text that I can read. Save it as “CSV UTF-8” in the spreadsheet program.")
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), ENCODINGS[encoding]
        except UnicodeDecodeError:
            continue
    raise Unusable("The file is neither UTF-8, UTF-16 nor Windows-1252. Save it as “CSV UTF-8”.")


def read_rows(text: str) -> list[Row]:
    """The rows of a file; empty ones are left out.

    Raises:
        Unusable: columns are missing, unknown or there twice, quotes do not close, or there are too many rows.
    """
    first, _, rest = text.partition("\n")
    declared = re.fullmatch(r'"?sep=(.)"?', first.strip("\r\ufeff"))
    skipped = 1 if declared else 0
    text = rest if declared else text
    separator = declared[1] if declared else _separator(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    head: list[str] | None = None
    rows: list[Row] = []
    line = skipped
    try:
        for cells in reader:
            here, line = line + 1, skipped + reader.line_num
            clean = [_cell(cell) for cell in cells]
            if not any(clean):
                continue
            if head is None:
                head = _head(clean)
            elif len(rows) == MAX_ROWS:
                raise Unusable(f"The file has more than {MAX_ROWS:,} rows. Import it in parts.")
            else:
                rows.append(Row(here, _by_column(head, clean)))
    except csv.Error as error:
        raise Unusable(
            f"Line {skipped + reader.line_num}: the file is no CSV ({error}). Are all quotes closed?"
        ) from None
    if head is None or not rows:
        raise Unusable("The file has no rows below its heads.")
    return rows


def _separator(head: str) -> str:
    found = max(SEPARATORS, key=head.count)
    if found not in head:
        raise Unusable(f"The columns are not separated by {', '.join(SEPARATORS.values())}. Save the list as CSV.")
    return found


def _cell(text: str) -> str:
    """A cell as it was meant: without the marks by which spreadsheets keep text from being a number or a formula."""
    text = text.replace("\u00a0", " ").replace("\ufeff", "").strip()
    quoted = re.fullmatch(r'="(.*)"', text)
    text = quoted[1] if quoted else text
    return text[1:].strip() if text.startswith("'") and text[1:2] in DANGEROUS else text


def _head(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    head = [ALSO.get(name, name) for name in (" ".join(re.split(r"[\s_-]+", cell.casefold())) for cell in cells)]
    for name in head:
        if name not in COLUMNS:
            raise Unusable(f"The column “{name}” is unknown. Known are: {', '.join(COLUMNS)}.")
        if head.count(name) > 1:
            raise Unusable(f"The column “{name}” is there twice.")
    missing = [name for name in REQUIRED if name not in head]
    if missing:
        raise Unusable(f"The file lacks the columns: {', '.join(missing)}. The first row has to hold their names.")
    return head


def _by_column(head: list[str], cells: list[str]) -> Mapping[str, str]:
    """The cells by column; those beyond the last column only as "", so that the row is refused."""
    more = {"": " ".join(cells[len(head) :]).strip()}
    return dict(zip(head, [*cells, *[""] * len(head)], strict=False)) | {k: v for k, v in more.items() if v}


def to_person(row: Row, network: NetworkFile, server_name: str) -> PersonTable:
    """The person that a row describes.

    Raises:
        RowRefused: something in it does not fit.
    """
    cells = row.cells
    if "" in cells:
        raise RowRefused("has more cells than there are columns. Put cells that hold the separator in quotes.")
    centres = {name: centre.id for centre in network.centre for name in (centre.name, centre.id)}
    competences = {name: c.id for c in network.competence for name in (*c.labels.values(), c.id)}
    away = [_absence(span) for span in re.split(r"[;|\n]", cells.get("away", "")) if span.strip()]
    try:
        return PersonTable(
            user=_user(cells["user"], server_name),
            name=_name(cells["name"]),
            centre=_known(cells["centre"], centres, "centre"),
            role=Role(_known(cells.get("role", "") or Role.CLINICIAN, {role: role for role in Role}, "role")),
            competences=_several(cells, "competences", lambda text: _known(text, competences, "competence")),
            languages=_several(cells, "languages", _language) or ("en",),
            assists=_several(cells, "assists", lambda text: _user(text, server_name)),
            away=tuple(away),
            available=_yes_or_no(cells.get("available", "")),
        )
    except ValidationError as error:
        raise RowRefused(error.errors()[0]["msg"].removeprefix("Value error, ") + ".") from None


def _user(text: str, server_name: str) -> str:
    if not text:
        raise RowRefused("has no user. Give the Matrix user name, such as anna.jensen.")
    strange = next((c for c in text if ord(c) > 127), None)
    if strange is not None:
        name = unicodedata.name(strange, f"U+{ord(strange):04X}")
        raise RowRefused(f"“{text}” holds “{strange}” ({name}). A user name has plain letters a to z only.")
    local, _, server = text.removeprefix("@").partition(":")
    if (server or server_name) != server_name:
        raise RowRefused(f"{text} is not of {server_name}, and case rooms are not federated. Ask for an account here.")
    if not _LOCALPART.fullmatch(local):
        raise RowRefused(f"“{text}” is no Matrix user name. Allowed are small letters, digits and . _ = / + -")
    if len(full_user_id(local, server_name)) > 255:
        raise RowRefused("has a user name that is too long. A Matrix id has up to 255 characters.")
    return local if re.fullmatch(r"[a-z0-9._=/-]+", local) else f"@{local}:{server_name}"


def _name(text: str) -> str:
    text = " ".join(unicodedata.normalize("NFC", text).split())
    if not text or len(text) > 100:
        raise RowRefused("has no name, or one of more than 100 characters.")
    strange = next((c for c in text if unicodedata.category(c)[0] not in "LM" and c not in _IN_NAMES), None)
    if strange is not None:
        raise RowRefused(f"“{text}” holds “{strange}”. Was the file saved in another encoding? Save it as “CSV UTF-8”.")
    for word in re.split(r"[\s-]", text):
        scripts = {s for c in word if c.isalpha() for s in _SCRIPTS if unicodedata.name(c, "").startswith(s)}
        if len(scripts) > 1:
            mixed = " and ".join(sorted(script.capitalize() for script in scripts))
            raise RowRefused(f"“{word}” mixes letters of {mixed} that look alike. Type the name anew.")
    return text


def _known(text: str, names: Mapping[str, str], what: str) -> str:
    """The id of what is named, by id or name, whatever its case and accents."""
    by_folded = {folded(name): identifier for name, identifier in names.items()}
    found = by_folded.get(folded(text))
    if found is not None:
        return found
    if not text:
        raise RowRefused(f"has no {what}.")
    near = process.extractOne(folded(text), by_folded.keys(), scorer=fuzz.ratio, score_cutoff=60)
    hint = f" Did you mean {by_folded[near[0]]}?" if near else " Add it to the file of the network first."
    raise RowRefused(f"names the unknown {what} “{text}”.{hint}")


def _several(cells: Mapping[str, str], column: str, read: Callable[[str], str]) -> tuple[str, ...]:
    parts = (part.strip() for part in _LIST.split(cells.get(column, "")))
    return tuple(dict.fromkeys(read(part) for part in parts if part))


def _language(text: str) -> str:
    if not _LANGUAGE.fullmatch(text.lower()):
        raise RowRefused(f"“{text}” is no language. Write codes such as en or da.")
    return text.lower()


def _absence(text: str) -> AbsenceTable:
    try:
        days = [parse_date(day) for day in _SPAN.split(text.strip())]
    except BadInput as error:
        raise RowRefused(f"“{error.fields['text']}” is no date. Write absences as 2026-07-01..2026-07-31.") from None
    if len(days) > 2:
        raise RowRefused(f"“{text.strip()}” is no absence. Write it as 2026-07-01..2026-07-31.")
    try:
        return AbsenceTable(first=days[0], last=days[-1])
    except ValidationError:
        raise RowRefused(f"“{text.strip()}” ends before it begins.") from None


def _yes_or_no(text: str) -> bool:
    if text.casefold() in YES | NO:
        return text.casefold() in YES
    raise RowRefused(f"available is “{text}”. Write yes or no.")


def to_csv(people: Iterable[tuple[str, PersonTable]]) -> str:
    """People with the ids of their networks, as a file that a spreadsheet opens without harm and `decode` reads."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for network, person in people:
        absences = ("..".join((a.first.isoformat(), a.last.isoformat())) for a in person.away)
        cells = {
            "user": person.user,
            "name": person.name,
            "centre": person.centre,
            "network": network,
            "role": person.role,
            "competences": "|".join(person.competences),
            "languages": "|".join(person.languages),
            "assists": "|".join(person.assists),
            "away": "|".join(absences),
            "available": "yes" if person.available else "no",
        }
        writer.writerow([_harmless(cells[column]) for column in COLUMNS])
    return "\ufeff" + out.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def to_toml(people: Iterable[PersonTable]) -> Iterator[str]:
    """The people file, line by line, in the order of the user names: the same people always make the same file."""
    yield "# Written by `ernbot directory import`. Change the list and import it again, or move a person to the file"
    yield "# of the network, which no program changes."
    for person in sorted(people, key=lambda person: person.user):
        yield ""
        yield "[[person]]"
        yield f"user = {_string(person.user)}"
        yield f"name = {_string(person.name)}"
        yield f"centre = {_string(person.centre)}"
        if person.role is not Role.CLINICIAN:
            yield f"role = {_string(person.role)}"
        if person.competences:
            yield f"competences = [{', '.join(map(_string, person.competences))}]"
        yield f"languages = [{', '.join(map(_string, person.languages))}]"
        if person.assists:
            yield f"assists = [{', '.join(map(_string, person.assists))}]"
        if person.away:
            spans = (f"{{ first = {absence.first}, last = {absence.last} }}" for absence in person.away)
            yield f"away = [{', '.join(spans)}]"
        if not person.available:
            yield "available = false"


def _string(text: str) -> str:
    """A TOML basic string; what comes here holds no control characters."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
