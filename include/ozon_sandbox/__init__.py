"""A stand-in of the Ozon Seller API that fails as the real one does, for development, tests and demonstrations.

As a process: ``python -m include.ozon_sandbox --config FILE`` (see ``config``). From Python: ``SandboxProcess``
in ``process``. Switching faults on, moving the catalogue on and asking for the truth: see ``admin``.
"""
