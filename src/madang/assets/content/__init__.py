"""Bytes: where they are kept, sealed under a key for each version, and how they are written and read.

``port`` says what an engine for bytes and one for keys must do. A version's files and manifest are one
*holding*: a stream of bytes cut into packs and sealed under a key of its own. ``drafts`` and ``packing``
write it, ``holdings`` reads it. ``reading`` puts a version together from its holding and those of what it
was made from. What belongs to no version (records as they were harvested, logs of runs) is a *blob*, kept
by its digest.
"""
