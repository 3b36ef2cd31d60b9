"""Madang (마당): one platform from signed agreement to score on a shared objective."""

__version__ = "0.1.0"
