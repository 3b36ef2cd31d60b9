"""How people and programs reach the domains: command line, pages, and the demonstration."""

from madang.kernel import i18n

i18n.register_catalogue("madang.interfaces")
