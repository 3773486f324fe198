"""submeter: from the meter on the bus to a verified kWh saved."""

__version__ = "0.1.0"
