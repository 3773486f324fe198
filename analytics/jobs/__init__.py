"""What runs by itself: the feed job (``feed``) with what depends on what (``dependence``, ``occasions``, ``agenda``),
and the studies of a whole portfolio (``nightly``)."""

from analytics.jobs.feed import JOB, Analyst, merged

__all__ = ["JOB", "Analyst", "merged"]
