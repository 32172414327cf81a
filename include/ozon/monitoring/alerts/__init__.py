"""Alerts: which findings are told to whom, once for one cause, until they have recovered."""
