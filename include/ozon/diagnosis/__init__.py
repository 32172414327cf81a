"""Checks of an installation: those of this machine, and the order of all of them; and the API probe."""
