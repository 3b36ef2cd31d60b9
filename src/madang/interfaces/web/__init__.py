"""The pages: rendered on the server, readable without a script, enriched by one small one of our own."""

from madang.kernel import i18n

i18n.register_catalogue("madang.interfaces.web")
