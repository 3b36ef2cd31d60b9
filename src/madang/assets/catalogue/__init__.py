"""The catalogue: sources of descriptions, and one record for each thing that a source describes."""
