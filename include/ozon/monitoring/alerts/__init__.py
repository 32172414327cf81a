"""Alerts, incidents and notifications: who is notified of which results, once for each cause."""
