"""From MQTT to the store: rules, quarantine, receipts."""

from collector.intake.intake import Intake, filters

__all__ = ["Intake", "filters"]
