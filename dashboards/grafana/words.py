"""Texts of the boards in both languages at once: Grafana has no reader's language that a board could follow."""

from typing import Final

from dashboards.catalogue import known, table, text

BETWEEN: Final = " · "


def both(key: str) -> str:
    """English · Chinese, from ``boards.toml`` or the pages' ``words.toml``. Raises KeyError where neither has it."""
    section, _, name = key.partition(".")
    row = table("boards").get(section, {}).get(name)
    if row is not None:
        return f"{row['en']}{BETWEEN}{row['zh']}"
    if not known(key):
        raise KeyError(key)
    return f"{text('en', key)}{BETWEEN}{text('zh', key)}"
