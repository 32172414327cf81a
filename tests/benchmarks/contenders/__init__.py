"""The contenders: a module each, with ``prepare`` (not timed), ``load`` (timed) and ``TABLE`` (its result)."""
