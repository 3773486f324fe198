"""The meter tree: its sums (``plan``, ``totals``, ``sums``, ``columns``), whether they agree (``balance``), the
likeliest cause where they do not (``imbalance``), and which child of a parent is at fault (``blame``)."""
