"""Probing: what is in a file, found out in a limited process. Uploads nothing, changes nothing.

``sniffing`` names the format by the first bytes, ``running`` starts ``worker`` in a sandbox, the worker calls
a reader (``readers/``, or a pack's), the reader fills ``notes``, and what comes back is a ``model.Report``.
"""
