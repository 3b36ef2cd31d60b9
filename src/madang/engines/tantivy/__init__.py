"""The search engine ``tantivy``: an index in this process, below ``HOME/search``."""

from madang.kernel.extension import Engine

ENGINE = Engine("tantivy", "search", "madang.engines.tantivy.index:Tantivy")
