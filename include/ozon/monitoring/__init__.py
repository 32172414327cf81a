"""What goes on: health checks, visibility metrics, deadlines, and who is told when something is wrong."""
