"""Form files: what an administrator or a network writes into `config/forms/*.toml`, checked and read into forms.

Several versions of a form may lie side by side: the newest is asked, an older one is kept so that what was begun in it
can be finished and read. This module must not know what a form is used for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ernbot.config import ConfigError, Identifier, Labels, Strict, read
from ernbot.core import condition, units
from ernbot.core.codes import CODE_SYSTEMS
from ernbot.core.condition import Among, Condition
from ernbot.core.directory import Directory
from ernbot.core.field import CERTAIN, CHOICES, REPEATABLE
from ernbot.core.form import Field as FormField
from ernbot.core.form import Form, Group, Kind, Option, Repeats, expand

SCALE_POINTS = range(1000)
MAX_REPEATS = 20

YES_NO = (Option("yes", {"en": "Yes", "da": "Ja"}), Option("no", {"en": "No", "da": "Nej"}))

EVIDENCE = (
    Option("high", {"en": "High certainty", "da": "Høj sikkerhed"}),
    Option("moderate", {"en": "Moderate certainty", "da": "Moderat sikkerhed"}),
    Option("low", {"en": "Low certainty", "da": "Lav sikkerhed"}),
    Option("very-low", {"en": "Very low certainty", "da": "Meget lav sikkerhed"}),
    Option("expert-opinion", {"en": "Expert opinion alone", "da": "Alene ekspertvurdering"}),
)
"""Certainty of the evidence after GRADE, and what stands beside it where there is none."""

CERTAINTIES = (
    Option("sure", {"en": "Sure", "da": "Sikker"}),
    Option("likely", {"en": "Likely", "da": "Sandsynlig"}),
    Option("possible", {"en": "Possible", "da": "Mulig"}),
    Option("unlikely", {"en": "Unlikely", "da": "Usandsynlig"}),
)

STANDARD: dict[Kind, tuple[Option, ...]] = {"boolean": YES_NO, "conflict": YES_NO, "evidence": EVIDENCE}
"""What every form has in common; a form cannot give these other options, so that they compare across networks."""


class _OptionTable(Strict):
    id: Identifier
    labels: Labels


class _RepeatsTable(Strict):
    minimum: Annotated[int, Field(ge=0)] = 0
    maximum: Annotated[int, Field(ge=1, le=MAX_REPEATS)]

    @model_validator(mode="after")
    def _order(self) -> _RepeatsTable:
        if self.minimum > self.maximum:
            raise ValueError("minimum must not be above maximum")
        return self


class _FieldTable(Strict):
    id: Identifier
    kind: Kind
    labels: Labels
    required: bool | None = None
    option: tuple[_OptionTable, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit: str | None = None
    systems: tuple[str, ...] = ()
    when: str | None = None
    certainty: bool = False
    repeats: _RepeatsTable | None = None
    partial: bool = False
    future: bool = False

    @model_validator(mode="after")
    def _fits(self) -> _FieldTable:
        if self.kind in ("choice", "choices") and len(self.option) < 2:
            raise ValueError("a choice needs at least two options")
        if self.option and self.kind not in ("choice", "choices"):
            raise ValueError(f"a {self.kind} has no options of its own")
        _unique("option", (option.id for option in self.option))
        if self.kind == "scale" and not all(bound in SCALE_POINTS for bound in (self.minimum, self.maximum)):
            raise ValueError("a scale needs minimum and maximum, whole numbers from 0 to 999")
        if self.kind == "code" and not self.systems:
            raise ValueError("a code needs at least one of the systems " + ", ".join(CODE_SYSTEMS))
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be below maximum")
        for system in self.systems:
            if system not in CODE_SYSTEMS:
                raise ValueError(f"unknown code system {system!r}; known are {', '.join(CODE_SYSTEMS)}")
        if self.unit is not None and self.unit not in units.UNITS:
            raise ValueError(f"unknown unit {self.unit!r}; known are {', '.join(units.UNITS)}")
        if self.certainty and self.kind not in CERTAIN:
            raise ValueError(f"certainty is asked of {', '.join(sorted(CERTAIN))} only")
        if self.repeats and self.kind not in REPEATABLE:
            raise ValueError(f"{', '.join(sorted(REPEATABLE))} repeat; anything else repeats in a group")
        if (self.partial or self.future) and self.kind != "date":
            raise ValueError("partial and future are for a date")
        return self

    def field(self) -> FormField:
        """The field; a condition that is no condition was refused before."""
        declares = self.kind == "conflict"
        return FormField(
            id=self.id,
            kind=self.kind,
            labels=self.labels,
            required=self.required if self.required is not None else not declares,
            options=STANDARD.get(self.kind) or tuple(Option(o.id, o.labels) for o in self.option),
            minimum=self.minimum,
            maximum=self.maximum,
            unit=self.unit,
            systems=self.systems,
            when=condition.parse(self.when) if self.when is not None else None,
            certainties=CERTAINTIES if self.certainty else (),
            repeats=Repeats(self.repeats.minimum, self.repeats.maximum) if self.repeats else None,
            partial=self.partial,
            future=self.future,
            origin=self.id,
        )


class _GroupTable(Strict):
    """Questions that are asked together; they stand where the group's `before` says, or at the end."""

    id: Identifier
    labels: Labels
    repeats: _RepeatsTable
    when: str | None = None
    before: Identifier | None = None
    field: Annotated[tuple[_FieldTable, ...], Field(min_length=1)]


class _FormFile(Strict):
    id: Identifier
    version: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)*$")]
    labels: Labels
    field: Annotated[tuple[_FieldTable, ...], Field(min_length=1)]
    group: tuple[_GroupTable, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> _FormFile:
        _conditions(self.form().fields)
        if sum(field.kind == "conflict" for field in self.field) > 1:
            raise ValueError("a conflict of interest is asked once")
        return self

    def form(self) -> Form:
        """The form with its groups in their places.

        Raises:
            ValueError: ids are there twice, a condition is none, or a group stands before a field that is not there.
        """
        groups = {table.id: table for table in self.group}
        _unique("group", (table.id for table in self.group))
        fields: list[FormField] = []
        for table in self.field:
            for before in [g for g in groups.values() if g.before == table.id]:
                fields += _expanded(groups.pop(before.id))
            fields.append(_read(table))
        for group in groups.values():
            if group.before is not None:
                raise ValueError(f"group {group.id!r} stands before the unknown field {group.before!r}")
            fields += _expanded(group)
        _unique("field", (field.id for field in fields))
        return Form(
            id=self.id,
            version=self.version,
            labels=self.labels,
            fields=tuple(fields),
            groups=tuple(_group(table) for table in self.group),
        )


def _unique(what: str, ids: Iterable[str]) -> None:
    """Raise ValueError for an id that is there twice."""
    for identifier, count in Counter(ids).items():
        if count > 1:
            raise ValueError(f"{what} {identifier!r} is there twice")


def _read(table: _FieldTable) -> FormField:
    try:
        return table.field()
    except ValueError as error:
        raise ValueError(f"field {table.id!r}: at 'when': {error}") from None


def _group(table: _GroupTable) -> Group:
    return Group(table.id, table.labels, Repeats(table.repeats.minimum, table.repeats.maximum))


def _expanded(table: _GroupTable) -> tuple[FormField, ...]:
    fields = [_read(field) for field in table.field]
    if any(field.repeats or field.kind == "conflict" for field in fields):
        raise ValueError(f"group {table.id!r}: its fields neither repeat by themselves nor ask for a conflict")
    try:
        when = condition.parse(table.when) if table.when is not None else None
    except ValueError as error:
        raise ValueError(f"group {table.id!r}: at 'when': {error}") from None
    return expand(_group(table), fields, when)


def _conditions(fields: tuple[FormField, ...]) -> None:
    """Raise ValueError for a condition about a field that is not asked before, or about an answer that it never has."""
    before: dict[str, FormField] = {}
    for field in fields:
        if field.when is not None:
            _check(field.id, field.when, before)
        before[field.id] = field


def _check(field_id: str, when: Condition, before: dict[str, FormField]) -> None:
    for atom in condition.atoms(when):
        asked = before.get(atom.field)
        if asked is None:
            raise ValueError(f"field {field_id!r}: its condition names {atom.field!r}, which is not asked before it")
        if not isinstance(atom, Among):
            continue
        if asked.kind not in (CHOICES | {"choices", "scale"}):
            raise ValueError(f"field {field_id!r}: of {atom.field!r} it can only be asked whether it is answered")
        known = {option.id for option in asked.options}
        if asked.kind == "scale":
            assert asked.minimum is not None
            assert asked.maximum is not None
            known = {str(point) for point in range(int(asked.minimum), int(asked.maximum) + 1)}
        for value in atom.values:
            if value not in known:
                raise ValueError(f"field {field_id!r}: {atom.field!r} never has the answer {value!r}")


def load_forms(folder: Path) -> dict[str, Form]:
    """All forms of a folder: each version as `<id>@<version>`, and the newest of each form by its id alone.

    Raises:
        ConfigError: see `config.read`; also when two files define one version of a form.
    """
    forms: dict[str, Form] = {}
    for path in sorted(folder.glob("*.toml")):
        form = read_form(path)
        if form.key in forms:
            raise ConfigError(f"{path}: form {form.id!r} is there twice in version {form.version}")
        forms[form.key] = form
        newest = forms.get(form.id)
        if newest is None or _number(newest.version) < _number(form.version):
            forms[form.id] = form
    return forms


def read_form(path: Path) -> Form:
    """One form file.

    Raises:
        ConfigError: see `config.read`.
    """
    return read(path, _FormFile).form()


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def check_forms(directory: Directory, forms: dict[str, Form]) -> None:
    """Raise ConfigError for a network that asks with a form that does not exist."""
    for network in directory.networks:
        for form in dict.fromkeys((network.opinion_form, *network.opinion_forms.values())):
            if form not in forms:
                raise ConfigError(f"network {network.id!r}: at 'opinion_form': there is no form {form!r}")
