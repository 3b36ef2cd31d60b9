"""The run engine iri: at a facility of our own, and held to the published specification."""
