"""The health check: areas with independent checks."""
