"""Reads the one configuration file, ``config/ozon.toml``, into the settings that the code is given.

Callers ask :func:`load_settings` once and pass the parts on; nothing here is kept between calls. The file is
read in layers, each of which overrides the one before: what the model itself says, ``[default]``, the
environment's own table, and ``OZON__SECTION__KEY`` variables.

The settings of each part are in ``include.ozon.settings``, below everything that uses them. This package is above the
registries, which add a table for each of their entries (docs/decisions/0016).
"""

from include.ozon.configuration.loader import load_settings

__all__ = ["load_settings"]
