"""Assets and their versions: the content store, deposits, checks, pooling, lineage and terms."""
