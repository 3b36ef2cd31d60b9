"""Organizations, their members, roles and tokens; the policies that roles carry."""
