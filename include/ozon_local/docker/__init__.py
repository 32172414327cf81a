"""``make docker-env``, ``make docker-up`` and ``make docker-down``.

Nothing but Python's own library, so that a server needs Docker, make and Python, and no ``.venv``.
"""
