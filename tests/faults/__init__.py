"""Faults at random moments of a load, and what must hold after each: ``python -m tests.faults``."""
