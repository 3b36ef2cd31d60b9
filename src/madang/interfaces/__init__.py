"""How people and programs reach the domains: command line, pages, and the demonstration."""
