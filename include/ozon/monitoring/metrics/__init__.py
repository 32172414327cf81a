"""Visibility metrics: what customers can see of an account's products, and what it costs when they cannot."""
