"""What people read: the same numbers as text, and later as other formats."""
