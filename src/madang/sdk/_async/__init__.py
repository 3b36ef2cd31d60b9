"""The client with coroutines: the source from which `scripts/make_sdk.py` makes the other one."""
