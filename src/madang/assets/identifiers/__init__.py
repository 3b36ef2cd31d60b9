"""DOIs of versions, registered with whoever gives them out: off until the operator names a registrar.

What is registered is told to the world for ever: what the owner's steward wrote of the version, and figures
of it; never what it was made from, under which agreements, or anything of its content.
"""
