"""The faults of the sandbox, in one module for each place where they act.

See ``registry`` for how to switch them on.
"""
