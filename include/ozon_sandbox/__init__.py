"""A stand-in for the Ozon Seller API that fails like the real one, for development, tests and demonstrations.

Start it as a process with ``python -m include.ozon_sandbox --config FILE`` (see ``config``), or from Python with
``SandboxProcess`` in ``process``. ``admin`` switches faults on, advances the catalogue and returns the truth.
"""
