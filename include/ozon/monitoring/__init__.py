"""Monitoring: health checks, visibility metrics, deadlines and alerts."""
