"""Example: beliefs that come with the package, for a first look and for examples that run.

Callers may trust that the artists are made up, that the fit has settled, and that each load is
a fresh object. Samples nothing.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Literal, get_args

import numpy as np
import xarray as xr

from coterie.beliefs.tree import Beliefs
from coterie.errors import BeliefError

_Homes = Literal["one", "many"]


def example_beliefs(homes: _Homes = "one") -> Beliefs:
    """Load fitted beliefs about twenty made-up artists in five clusters.

    Parameters
    ----------
    homes
        ``"one"``: each artist has one home, or none here; ``"many"``: any number.

    Returns
    -------
    Beliefs
        Settled: a simulated table of saves, adds, follows and depth, 360 draws of belief. Use
        them to try pictures, sentences and findings without a fit; they say nothing of music.

    Raises
    ------
    BeliefError
        If ``homes`` is neither.

    Examples
    --------
    >>> beliefs = co.example_beliefs()
    >>> dict(beliefs.home.sizes)
    {'chain': 4, 'draw': 90, 'artist': 20, 'cluster': 5}
    """
    if homes not in get_args(_Homes):
        raise BeliefError(f"homes is {homes!r}; there are examples of 'one' and of 'many'.")
    with as_file(files("coterie.beliefs").joinpath("bundled", f"{homes}.nc")) as file:
        tree = Beliefs.load(file).tree
    # Draws are kept in half the room.
    return Beliefs(tree.map_over_datasets(_widened))


def _widened(dataset: xr.Dataset) -> xr.Dataset:
    return dataset.map(lambda v: v.astype(np.float64) if v.dtype == np.float32 else v)
