"""Figures as commands: ``python -m benchmarks`` lists them, ``python -m benchmarks NAME [--json]`` runs one.

Each module holds ``run() -> Result``; each result carries a ratio against a peer or a limit measured in the same run.
"""
