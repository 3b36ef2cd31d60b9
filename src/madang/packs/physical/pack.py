"""What this pack offers. Everything is named, nothing is imported, until it is used."""

from madang.kernel.extension import Pack
from madang.kernel.i18n import register_catalogue

register_catalogue("madang.packs.physical")

PACK = Pack(
    name="physical",
    title={"en": "Physical AI", "ko": "피지컬 AI"},
    extra="physical",
    checks={"lerobot": "madang.packs.physical.checks:CHECKER"},
    probes={"mcap": "madang.packs.physical.logs:MCAP"},
    recipes={"behaviour-cloning": "madang.packs.physical.recipes:BEHAVIOUR_CLONING"},
    scorers={"metaworld-mt10": "madang.packs.physical.scorer:SCORER"},
    commands={"physical": "madang.packs.physical.commands:app"},
)
