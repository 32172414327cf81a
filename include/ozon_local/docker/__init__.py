"""The targets ``make docker-env``, ``make docker-up`` and ``make docker-down``.

They use only Python's standard library, so that a server needs Docker, make and Python, but no ``.venv``.
"""
