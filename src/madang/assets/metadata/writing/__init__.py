"""Writing descriptions in the forms that others read: the other way of ``metadata.reading``."""
