"""From the store to view models: frozen data that pages, the JSON API and reports show, each with how it is known.

One file a picture. Energies are kWh (volumes m³), NaN where missing; a total is withheld below the completeness limit.
Times are epoch milliseconds UTC in the models; days are the building's own.
"""

from dashboards.queries.reader import Reader
from dashboards.queries.span import Span
from dashboards.queries.total import Total

__all__ = ["Reader", "Span", "Total"]
