"""From MQTT to the store: rules, quarantine, receipts."""

from collector.intake.intake import Intake, client_id, filters

__all__ = ["Intake", "client_id", "filters"]
