"""Faults that the sandbox can be told to have, a module for each place where they act.

How they are switched on: see ``registry``.
"""
