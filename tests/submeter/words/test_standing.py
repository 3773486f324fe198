"""A figure among its peers."""

import numpy as np

from submeter.words.standing import rank_among


def test_the_rank_among_peers_counts_ties_half():
    assert rank_among(100.0, np.array([50.0, 100.0, 150.0, 200.0])) == 0.375
    assert rank_among(10.0, np.array([50.0, np.nan])) == 0.0
    assert np.isnan(rank_among(np.nan, np.array([1.0])))
