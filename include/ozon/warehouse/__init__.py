"""The warehouse: its schema, sessions, the account's lock, staging tables and merges."""
