"""The health check: areas, each a list of checks that measure one thing and never stop each other."""
