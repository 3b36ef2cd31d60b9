"""The command line. One module a noun; each imports its domain only when its command runs."""
