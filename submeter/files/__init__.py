"""Files that people bring and take: readings and intervals as CSV or Parquet, there and back, and no store.

A room of its own beside wire and stores, because it is the third shape in which the same words travel. It knows how a
table is written and read (:mod:`~submeter.files.table`), what a time in it means (:mod:`~submeter.files.times`), and
which columns hold readings (:mod:`~submeter.files.readings`) or intervals (:mod:`~submeter.files.intervals`). Which
reading is taken is not decided here: intake's rules do that, for a file as for a gateway.
"""
