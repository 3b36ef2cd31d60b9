"""Finding by meaning: vectors of a larger language model beside the words.

``port.py`` is what a model is, ``vectors.py`` keeps what it made of each thing, ``making.py`` has them made,
``nearest.py`` finds those near a question and fuses them with what its words found. Off without a model.
"""
