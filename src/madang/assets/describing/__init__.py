"""Describing versions: what their steward says of them, and what is computed, as one description to hand on.

``service`` keeps what a steward wrote; ``whole`` puts it together with what is known (files, variables,
owner, lineage, terms); ``exporting`` writes it, or a harvested record, in the forms of ``metadata.writing``.
"""
