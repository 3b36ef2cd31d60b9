"""The IRI Facility API, versions 1 and 2, over a home: the programme as clients of facilities see it.

    facility = the programme       site = a site            project = a mission
    resource = a kind of capacity at a site, or the area    project allocation = an award
    job = a run                    file system = the member's own area

Specification: https://github.com/doe-iri/iri-facility-api-docs (specification-v1, specification-v2). Where we
differ from it, and why, is told in docs/facility.md.
"""
