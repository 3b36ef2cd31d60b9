"""The description of the API, held to what it answers."""
