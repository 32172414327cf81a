"""The loading of the configuration file, ``config/ozon.toml``, into settings.

Callers call :func:`load_settings` once and pass the parts on; nothing is cached between calls. Each layer overrides the
one before: the model's defaults, ``[default]``, the environment's table, and ``OZON__SECTION__KEY`` variables.

The settings of each part are in ``include.ozon.settings``, a layer below their users. This package is above the
registries, which add a table for each of their entries (docs/decisions/0016).
"""

from include.ozon.configuration.loader import load_settings

__all__ = ["load_settings"]
