"""The pretend world: weather, buildings, meters, faults whose truth is known, and recorded series played as meters.

:mod:`world` joins it all; :mod:`district` draws a portfolio, :mod:`scenario` says what goes wrong, :mod:`truth` keeps
what really happened, :mod:`score` compares it with what was told. :mod:`slave` and :mod:`terminal` are its RS-485 side.
"""
