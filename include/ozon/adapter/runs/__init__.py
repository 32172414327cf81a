"""A run of the load that a command starts and follows."""
