"""Fits: draws of affinities, and the homes that they make.

The stated prior tilts affinities that are exchangeable between clusters: a draw whose highest
affinity is in cluster k counts in proportion to pi_k. Callers may trust that draws made or kept
here follow that law, so that the share of draws with their highest affinity in a cluster is the
belief in it.
"""

from __future__ import annotations

import numpy as np

from coterie.beliefs.fit_law import below, draw
from coterie.beliefs.membership import MANY, NONE, ONE, threshold
from coterie.typing import Flags, Floats


def prior_fits(
    log_prior: Floats, log_elsewhere: float, draws: int, *, homes: int, rng: np.random.Generator
) -> Floats:
    """Draw affinities of artists of whom nothing was counted: (draw, artist, cluster).

    Parameters
    ----------
    log_prior, log_elsewhere
        As in :class:`coterie.beliefs.membership.Phi`.
    draws, homes, rng
        How many, the mode of membership, and the source of chance.
    """
    artists, clusters = log_prior.shape
    named = homes != ONE or not np.isfinite(log_elsewhere)
    fits = draw((draws, artists, clusters + (not named)), rng)
    if homes == ONE:
        # Exchangeable: whichever is highest may as well be that of the home.
        chance = np.exp(log_prior)
        edges = np.cumsum(chance, axis=1)[None]
        at = (rng.random((draws, artists, 1)) * (edges[..., -1:] + np.exp(log_elsewhere))) > edges
        home = at.sum(axis=2, keepdims=True).clip(max=fits.shape[2] - 1)
        top = fits.argmax(axis=2)[..., None]
        first, second = (np.take_along_axis(fits, place, axis=2) for place in (top, home))
        np.put_along_axis(fits, top, second, axis=2)
        np.put_along_axis(fits, home, first, axis=2)
    return np.ascontiguousarray(fits[..., :clusters])


def prior_weights(fits: Floats, log_prior: Floats, log_elsewhere: float, *, homes: int) -> Floats:
    """Return the weight that the stated prior gives to exchangeable affinities: (draw, artist).

    It is the prior probability of the home they make, the unseen cluster's affinity integrated
    out, up to a constant of the artist.
    """
    if homes != ONE:
        return np.ones(fits.shape[:2])
    top = fits.argmax(axis=2)
    own = np.take_along_axis(np.broadcast_to(np.exp(log_prior), fits.shape), top[..., None], 2)
    if not np.isfinite(log_elsewhere):
        named: Floats = own[..., 0]
        return named
    highest = below(fits.max(axis=2))
    found: Floats = own[..., 0] * highest + np.exp(log_elsewhere) * (1 - highest)
    return found


def largest_weight(log_prior: Floats, log_elsewhere: float) -> Floats:
    """Return what :func:`prior_weights` never exceeds: (artist,)."""
    found: Floats = np.maximum(np.exp(log_prior.max(axis=1)), np.exp(log_elsewhere))
    return found


def members(
    fits: Floats, log_prior: Floats, log_elsewhere: float, *, homes: int, rng: np.random.Generator
) -> Flags:
    """Say where affinities make an artist at home: (draw, artist, cluster).

    With one home, elsewhere is drawn where the affinities leave it open.
    """
    if homes == NONE:
        return np.zeros(fits.shape, dtype=bool)
    if homes == MANY:
        found: Flags = fits > threshold(log_prior)
        return found
    is_top: Flags = np.arange(fits.shape[2]) == fits.argmax(axis=2)[..., None]
    if not np.isfinite(log_elsewhere):
        return is_top
    highest = below(fits.max(axis=2))
    own = np.where(is_top, np.exp(log_prior), 0.0).sum(axis=2) * highest
    rest = np.exp(log_elsewhere) * (1 - highest)
    at_home: Flags = is_top & (rng.random(own.shape) * (own + rest) < own)[..., None]
    return at_home
