"""Faults that the sandbox can be told to have; see ``registry`` for how they are switched on."""
