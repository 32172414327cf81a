"""What is compared: a module each, with ``prepare`` (not timed), ``load`` (timed) and ``TABLE`` (its result)."""
