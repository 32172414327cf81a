"""Reports: the same numbers as text, JSON, CSV and HTML."""
