"""Taking a version back: nothing new may use it or what was made from it, and whoever made that is told.

A withdrawn version keeps its bytes until its owner destroys them: then its key is gone, and with it whatever
a copy of the bytes could tell. Its row, its digests and its history stay on record.
"""
