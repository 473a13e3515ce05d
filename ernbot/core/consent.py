"""The consent ledger: what a patient allowed, when, on which form, signed by whom.

Paper stays at the hospital; the system records the tick with the form's version, language, signer and date
(Decision 2014/287/EU as amended by (EU) 2019/1269). `Ledger.covers` is the only question that anyone asks of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import cache

from ernbot.core.errors import BadInput, Refused

REVIEW_YEARS = 15
"""Data are kept only while needed and reviewed at least every 15 years (Decision 2014/287/EU, amended 2019)."""

FORM_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


class Purpose(StrEnum):
    """What is consented to. Identifiable images are asked for apart: in craniofacial care the face is the finding."""

    CARE = "care"
    REGISTRY = "registry"
    CONTACT = "contact"
    IMAGES = "images"


class Signer(StrEnum):
    PATIENT = "patient"
    PARENT = "parent"
    GUARDIAN = "guardian"


@dataclass(frozen=True)
class Paper:
    """The signed consent form as it lies in the hospital."""

    form_version: str
    language: str
    signer: Signer
    signed_on: date


@dataclass(frozen=True)
class Entry:
    """One line of the ledger: a purpose given on a paper, or withdrawn (`paper` is None).

    `on_behalf_of` is the clinician for whom an assistant recorded it.
    """

    purpose: Purpose
    paper: Paper | None
    recorded_by: str
    recorded_at: datetime
    on_behalf_of: str | None = None


@dataclass(frozen=True)
class Ledger:
    """All entries of a case in the order in which they were recorded; nothing is ever removed."""

    entries: tuple[Entry, ...] = ()

    def last(self, purpose: Purpose, at: datetime) -> Entry | None:
        """The entry in force for a purpose."""
        return next((e for e in reversed(self.entries) if e.purpose is purpose and e.recorded_at <= at), None)

    def covers(self, purpose: Purpose, at: datetime) -> bool:
        """Whether the purpose is consented to, not withdrawn, and its review is not overdue."""
        entry = self.last(purpose, at)
        return entry is not None and entry.paper is not None and at.date() < review_due(entry.paper.signed_on)

    def give(self, purpose: Purpose, paper: Paper, *, by: str, at: datetime, on_behalf_of: str | None = None) -> Ledger:
        """A ledger with one more consent.

        Raises:
            BadInput: `consent-future`, `consent-expired`, `consent-form` or `consent-language`: it cannot be.
        """
        check_signed(paper.signed_on, at)
        check_form_version(paper.form_version)
        check_language(paper.language)
        return replace(self, entries=(*self.entries, Entry(purpose, paper, by, at, on_behalf_of)))

    def withdraw(self, purpose: Purpose, *, by: str, at: datetime, on_behalf_of: str | None = None) -> Ledger:
        """A ledger with one consent withdrawn.

        Raises:
            Refused: `consent-not-given` when there is nothing to withdraw.
        """
        entry = self.last(purpose, at)
        if entry is None or entry.paper is None:
            raise Refused("consent-not-given", purpose=purpose)
        return replace(self, entries=(*self.entries, Entry(purpose, None, by, at, on_behalf_of)))


def check_signed(signed_on: date, at: datetime) -> None:
    """Raise BadInput `consent-future` or `consent-expired` for a date that no paper in force can bear."""
    if signed_on > at.date():
        raise BadInput("consent-future", signed=signed_on)
    if at.date() >= review_due(signed_on):
        raise BadInput("consent-expired", signed=signed_on, years=REVIEW_YEARS)


def check_form_version(text: str) -> None:
    """Raise BadInput `consent-form` for what is no version of a form."""
    if not FORM_VERSION.fullmatch(text):
        raise BadInput("consent-form")


def check_language(text: str) -> None:
    """Raise BadInput `consent-language` for what is no language tag."""
    if not LANGUAGE.fullmatch(text):
        raise BadInput("consent-language")


@cache
def review_due(signed_on: date) -> date:
    """The day from which a consent has to be renewed; the 29th of February counts as the 1st of March."""
    try:
        return signed_on.replace(year=signed_on.year + REVIEW_YEARS)
    except ValueError:
        return date(signed_on.year + REVIEW_YEARS, 3, 1)
