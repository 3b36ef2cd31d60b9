"""Harvesting: walking through a source and taking what it describes into the catalogue.

``port.py`` is what a kind of source is to the rest, ``running.py`` one walk from its begin to its end,
``journal.py`` what a walk keeps so that it can be taken up again.
"""
