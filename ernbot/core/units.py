"""Units of the quantities that forms ask for, as UCUM codes, and how they convert.

A closed table: a unit that is not here cannot be asked for, and one that measures something else never converts. Other
spellings are what clinicians type on a telephone. Months and years are those of UCUM (a year is 365.25 days, a month a
twelfth of it), so that twelve months are a year. No module converts a quantity by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Unit:
    """A unit: `factor` of them, and `offset` more, are one of the first unit of its dimension."""

    code: str
    dimension: str
    factor: Fraction
    spellings: tuple[str, ...] = ()
    offset: Fraction = Fraction(0)


_DAY_YEAR = Fraction(1461, 4)


def _table() -> dict[str, Unit]:
    rows: list[tuple[str, str, str | Fraction, str]] = [
        ("d", "time", "1", "day days dag dage"),
        ("wk", "time", "7", "week weeks uge uger"),
        ("mo", "time", _DAY_YEAR / 12, "month months måned måneder mdr"),
        ("a", "time", _DAY_YEAR, "year years yr yrs y år"),
        ("h", "time", Fraction(1, 24), "hour hours hr time timer"),
        ("min", "time", Fraction(1, 1440), "minute minutes minut minutter"),
        ("m", "length", "1", "metre metres meter"),
        ("cm", "length", "0.01", "centimetre centimetres centimeter"),
        ("mm", "length", "0.001", "millimetre millimetres millimeter"),
        ("um", "length", "0.000001", "µm μm micrometre mikrometer"),
        ("kg", "mass", "1000", "kilogram kilo"),
        ("g", "mass", "1", "gram grams"),
        ("mg", "mass", "0.001", "milligram"),
        ("ug", "mass", "0.000001", "µg μg mcg microgram mikrogram"),
        ("L", "volume", "1", "litre litres liter"),
        ("dL", "volume", "0.1", "decilitre deciliter"),
        ("mL", "volume", "0.001", "millilitre milliliter cc"),
        ("g/L", "mass concentration", "1", ""),
        ("g/dL", "mass concentration", "10", ""),
        ("mg/dL", "mass concentration", "0.01", ""),
        ("mg/L", "mass concentration", "0.001", ""),
        ("ug/mL", "mass concentration", "0.001", "µg/mL μg/mL"),
        ("ug/L", "mass concentration", "0.000001", "µg/L μg/L"),
        ("ng/mL", "mass concentration", "0.000001", ""),
        ("mol/L", "substance concentration", "1", ""),
        ("mmol/L", "substance concentration", "0.001", "mM"),
        ("umol/L", "substance concentration", "0.000001", "µmol/L μmol/L"),
        ("nmol/L", "substance concentration", "0.000000001", ""),
        ("10*9/L", "number concentration", "1", "10^9/L 10⁹/L x10*9/L x10^9/L G/L"),
        ("/uL", "number concentration", "0.000001", "/µL /μL cells/uL cells/µL"),
        ("kPa", "pressure", "1", ""),
        ("mm[Hg]", "pressure", "0.133322387415", "mmHg"),
        ("cm[H2O]", "pressure", "0.0980665", "cmH2O"),
        ("mg/kg", "dose by weight", "1", ""),
        ("ug/kg", "dose by weight", "0.001", "µg/kg μg/kg"),
        ("mg/m2", "dose by surface", "1", "mg/m²"),
        ("g/m2", "dose by surface", "1000", "g/m²"),
        ("%", "fraction", "0.01", "percent procent"),
        ("1", "fraction", "1", ""),
        ("/min", "rate", "1", "bpm"),
        ("Gy", "radiation", "1", ""),
        ("cGy", "radiation", "0.01", ""),
        ("deg", "angle", "1", "° degree degrees grader"),
        ("dB", "level", "1", "decibel"),
        ("kg/m2", "body mass index", "1", "kg/m²"),
        ("[IU]/L", "activity", "1", "IU/L U/L"),
        ("[IU]/mL", "activity", "1000", "IU/mL U/mL"),
    ]
    units = {code: Unit(code, what, Fraction(factor), tuple(also.split())) for code, what, factor, also in rows}
    units["Cel"] = Unit("Cel", "temperature", Fraction(1), ("°C", "C", "celsius"))
    units["[degF]"] = Unit("[degF]", "temperature", Fraction(5, 9), ("°F", "F", "fahrenheit"), Fraction(-32))
    return units


UNITS = _table()
"""Every unit by its UCUM code."""

_SPELLED = {spelling: unit for unit in UNITS.values() for spelling in (unit.code, *unit.spellings)}
_LOOSELY: dict[str, set[str]] = {}
for _spelling, _unit in _SPELLED.items():
    _LOOSELY.setdefault(_spelling.casefold(), set()).add(_unit.code)


def unit(text: str) -> Unit | None:
    """The unit that is meant; capitals do not matter where only one unit is spelled like this."""
    text = text.strip().rstrip(".")
    if text in _SPELLED:
        return _SPELLED[text]
    codes = _LOOSELY.get(text.casefold(), set())
    return UNITS[next(iter(codes))] if len(codes) == 1 else None


def convert(number: Fraction, given: Unit, wanted: Unit) -> Fraction | None:
    """A number of one unit in another; None when they do not measure the same."""
    if given.dimension != wanted.dimension:
        return None
    return (number + given.offset) * given.factor / wanted.factor - wanted.offset


def relatives(code: str) -> tuple[str, ...]:
    """The units that convert to this one, itself first."""
    others = (u.code for u in UNITS.values() if u.dimension == UNITS[code].dimension and u.code != code)
    return (code, *others) if code in UNITS else ()
