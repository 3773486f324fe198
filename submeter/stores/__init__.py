"""Stores behind one small port: embedded (default), InfluxDB 1 and 2, memory (the fake that ships)."""

from submeter.stores.opening import open_store
from submeter.stores.port import ALWAYS_MS, Column, Store

__all__ = ["ALWAYS_MS", "Column", "Store", "open_store"]
