"""What is told of data: one typed description, and the formats it is read from.

``model.py`` is the description, ``words.py`` how strangers' texts become ours, ``values.py`` how their
JSON is taken, and one module a format holds ``read(data) -> list[Told]``. ``reading.py`` chooses among them.
"""
