"""Daily rainfall in millimetres, one number a line: a pack to copy from."""
