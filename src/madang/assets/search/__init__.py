"""Finding data: in Korean and English, within what one may know of.

``asking.py`` turns words into concepts (``korean.py`` and ``glossary.py`` help it), ``port.py`` is what an
index is, ``entries.py`` what it holds of each thing, ``following.py`` keeps it level with the ledger, and
``service.py`` asks it. ``meaning/`` finds by a larger model's vectors, where one is named. ``evaluation.py``
measures it on labelled queries.
"""
