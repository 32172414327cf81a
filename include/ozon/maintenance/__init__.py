"""What keeps disks, warehouse and records from growing for ever."""
