"""Settings (TOML) and portfolios (CSV + TOML) from a configuration folder, checked row by row."""

from submeter.settings.folder import config_folder
from submeter.settings.portfolio import load_portfolio
from submeter.settings.settings import Settings, load_settings
from submeter.settings.watch import Watch

__all__ = ["Settings", "Watch", "config_folder", "load_portfolio", "load_settings"]
