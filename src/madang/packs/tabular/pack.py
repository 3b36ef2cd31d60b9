"""What this pack offers. Everything is named, nothing is imported, until it is used."""

from madang.kernel.extension import Pack
from madang.kernel.i18n import register_catalogue

register_catalogue("madang.packs.tabular")

PACK = Pack(
    name="tabular",
    title={"en": "Tables of measurements", "ko": "측정 데이터 표"},
    extra="tabular",
    checks={"table": "madang.packs.tabular.checks:CHECKER"},
    recipes={"supervised": "madang.packs.tabular.recipes:SUPERVISED"},
    scorers={"held-out": "madang.packs.tabular.scorer:SCORER"},
    commands={"tabular": "madang.packs.tabular.commands:app"},
)
