"""The run engine ``iri``: jobs at any facility that speaks the IRI Facility API, version 1 or 2.

Madang and the packs are installed there too. What a job needs is sent as a parcel through the facility's file
system interface, executed there by our own keeper (in the sandbox that the home's settings name), and what it
left comes back as a parcel.
"""
