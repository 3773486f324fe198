"""All boards of a portfolio, in the order in which they are read."""

from dashboards.grafana.board import FOLDER_TITLE, FOLDER_UID, Board
from dashboards.grafana.building_board import building_board
from dashboards.grafana.district_board import district_board
from dashboards.grafana.meters_board import meters_board
from dashboards.grafana.operations_board import operations_board
from dashboards.grafana.roster import roster
from dashboards.grafana.savings_board import savings_board
from submeter.words import Portfolio

__all__ = ["FOLDER_TITLE", "FOLDER_UID", "Board", "boards"]

MAKERS = (district_board, building_board, savings_board, meters_board, operations_board)


def boards(portfolio: Portfolio) -> tuple[Board, ...]:
    """Deterministic: the same portfolio gives the same JSON."""
    known = roster(portfolio)
    return tuple(make(known) for make in MAKERS)
