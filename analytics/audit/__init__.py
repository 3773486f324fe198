"""The invariant over everything stored, found a second time: straight from raw readings (``counting``), meter by meter
(``check``), sum by sum (``totals``)."""
