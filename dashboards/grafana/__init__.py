"""Grafana's boards as code: panels, queries and boards apart; the JSON they make is committed and compared.

A board knows the portfolio it was built for (names, which meters are mains, the zone); the store knows numbers only.
"""
