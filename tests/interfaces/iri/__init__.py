"""The facility interface, held to the published specification and to what it promises by itself."""
