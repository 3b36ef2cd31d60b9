"""What every domain stands on: settings, errors, clock, database session, ledger, i18n, ports.

No word of the domain belongs here; a domain folder imports the kernel, never the other way round.
"""
