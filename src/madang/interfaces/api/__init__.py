"""The HTTP API under ``/api/v1``: every operation as a route, errors as problem details (RFC 9457)."""
