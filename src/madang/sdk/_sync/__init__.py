# Made by scripts/make_sdk.py. Change the operation (or the coroutines) and run that instead.
"""The client without coroutines, made from the other one."""
