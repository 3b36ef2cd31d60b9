"""Units as people write them, in SI base units, so that 20 degC and 293.15 K are one thing.

By pint. What strangers wrote is read only in a plain form: names of units, each with an exponent of one digit
at most; a power of a power would take as long as it likes.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pint import UnitRegistry

_NAME = r"[A-Za-zµμΩÅ%]{1,30}"
_POWER = r"(?:\s?(?:\^|\*\*)?-?[1-9](?![0-9]))?"
_PLAIN = re.compile(rf"(?:1\s?/\s?)?{_NAME}{_POWER}(?:(?:\s?[*/·]\s?|\s){_NAME}{_POWER}){{0,7}}")
_EXPONENT = re.compile(r"(?<=[A-Za-zµμΩ])\s?(\^|\*\*)?(-?[1-9])(?![0-9])")
_SPELLINGS = {
    "℃": "degC", "°C": "degC", "deg C": "degC", "deg. C": "degC", "Celsius": "degC", "celsius": "degC",
    "C": "degC", "℉": "degF", "°F": "degF", "°K": "K", "Kelvin": "K", "%": "percent", "mb": "millibar",
    "mbar": "millibar", "㎍/㎥": "ug/m^3", "㎛": "um", "㎜": "mm", "㎝": "cm", "㎞": "km", "㎏": "kg",
    "㎡": "m^2", "㎥": "m^3", "㏊": "ha", "degree_north": "degree", "degree_east": "degree",
    "degrees_north": "degree", "degrees_east": "degree", "degrees": "degree", "°": "degree",
    "도": "degree", "‰": "permille",
}  # fmt: skip

_ALSO = (
    "jansky = 1e-26 * watt / meter ** 2 / hertz = Jy",
    "beam = count",
    "adu = count",
    "hounsfield_unit = [radiodensity] = HU",
)
"""Units of astronomy (FITS Standard 4.0, 4.3) and of computed tomography that pint has not."""
_OF_RATIOS = ("mag", "dex", "dB", "dBZ", "dBm", "pH", "bel", "decibel")
"""Logarithms: units that are known and have no base."""
_PURE = ("1", "unitless", "dimensionless")
"""How a number without a dimension is written."""
_NO_UNITS = ("unit", "units")
"""Words that pint would take for a unit with a prefix."""


@dataclass(frozen=True)
class Base:
    """A unit in SI base units: a value in it is value * factor + offset in the base unit."""

    unit: str
    factor: float
    offset: float = 0.0

    def of(self, value: float) -> float:
        """A value in the base unit."""
        return value * self.factor + self.offset


@cache
def _registry() -> UnitRegistry[float]:
    """Loaded at the first unit: it takes half a second."""
    import pint

    made: UnitRegistry[float] = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for one in _ALSO:
        made.define(one)
    return made


def is_known(unit: str) -> bool:
    """Whether a unit is one, though it may have no base."""
    return unit.strip() in _OF_RATIOS or base(unit) is not None


@lru_cache(maxsize=10_000)
def base(unit: str) -> Base | None:
    """A unit in base units; None where it is none that is known."""
    told = _SPELLINGS.get(unit.strip(), unit.strip())
    if told in _PURE:
        return Base("1", 1.0)
    if not _PLAIN.fullmatch(told) or told in _NO_UNITS:
        return None
    told = _EXPONENT.sub(r"**\2", told.replace("·", "*").replace("μ", "µ"))
    told = re.sub(r"(?<=[A-Za-z0-9)µΩ])\s+(?=[A-Za-z(µΩ])", "*", told)
    registry = _registry()
    try:
        known = registry.parse_units(told)
        zero, one, two = (registry.Quantity(value, known).to_base_units() for value in (0.0, 1.0, 2.0))
    except Exception:  # pint raises whatever a text made it stumble over
        return None
    factor = float(one.magnitude) - float(zero.magnitude)
    straight = math.isclose(float(two.magnitude) - float(one.magnitude), factor, rel_tol=1e-9)
    if not (math.isfinite(factor) and factor and straight):  # a decibel is no multiple of another
        return None
    return Base(f"{one.units:~C}" or "1", factor, float(zero.magnitude))
