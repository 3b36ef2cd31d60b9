"""What the pack offers, as names: nothing is imported until it is used."""

from madang.kernel.extension import Pack
from madang.kernel.i18n import register_catalogue

register_catalogue("madang_rain")

PACK = Pack(
    name="rain",
    title={"en": "Rainfall", "ko": "강수량"},
    checks={"daily": "madang_rain.checks:CHECKER"},
    recipes={"climate": "madang_rain.recipe:CLIMATE"},
    scorers={"tomorrow": "madang_rain.scorer:SCORER"},
    commands={"rain": "madang_rain.commands:app"},
    terms="madang_rain:terms.tsv",
)
