"""From numbers to eyes: colours, catalogue, queries, the web view; Grafana's boards beside them.

Every viewer reads the store and calls no analytics.
"""
