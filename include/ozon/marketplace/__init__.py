"""The Seller API: its client, its answers as types, and what its statuses mean for a product's visibility."""
