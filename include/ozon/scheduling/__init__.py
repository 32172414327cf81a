"""When the work is started: due moments, and a block in the crontab of a machine without a scheduler."""
