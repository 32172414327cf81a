"""Maintenance: retention and clean-up of logs, reports, records and tables."""
