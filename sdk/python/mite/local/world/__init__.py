"""What `wit/` has, in plain CPython: the same functions and records, over real HTTP."""
