"""Walkers: the chains of one run, as nutpie asks for them.

Makes nutpie's model of a blueprint. nutpie numbers its chains nowhere: each is known by the seed
that it is given, and a run of a single coordinate with the same seed says which is which. Callers
may trust that chain ``i`` begins at the ``i``-th start and that its last point is its own.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import Any, Final

import numpy as np
import nutpie
from nutpie.compiled_pyfunc import from_pyfunc

from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.chain import Chain
from coterie.beliefs.design import UNKNOWN
from coterie.beliefs.vector_plan import layout_of
from coterie.errors import BeliefError
from coterie.typing import Floats

_NUMBER: Final = np.dtype(np.float64)
_HALF_WORD: Final = 32
_REACH: Final = 1.0
"""How far from 0 a coordinate begins at most."""


class Walkers:
    """The chains of one run.

    Parameters
    ----------
    blueprint
        The model.
    seed, chains
        Of the run.
    start
        Where chains begin: (chain, coordinate). Left out, at random near 0.

    Raises
    ------
    BeliefError
        If the starts are not of this model.
    """

    def __init__(
        self, blueprint: Blueprint, seed: int, chains: int, start: Floats | None = None
    ) -> None:
        self.layout = layout_of(blueprint)
        self._joint = blueprint.population.joint
        self._start = start
        wanted = (chains, self.layout.size)
        if start is not None and start.shape != wanted:
            raise BeliefError(f"The starts are {start.shape}; chains and coordinates are {wanted}.")
        self._order = {each: i for i, each in enumerate(_seeds(seed, chains))}
        self._points: dict[int, Floats] = {}
        self._own: dict[int, list[int]] = {}

    def model(self) -> Any:
        """Return nutpie's model."""
        values = Chain(self.layout, self._joint).values(np.zeros(self.layout.size))
        return from_pyfunc(
            self.layout.size,
            lambda: Chain(self.layout, self._joint).density,
            self._watched,
            [_NUMBER] * len(values),
            [value.shape for value in values.values()],
            list(values),
            make_initial_point_fn=self._begin,
        )

    def last(self) -> Floats | None:
        """Return where each chain stood last: (chain, coordinate); None if any is unknown."""
        if set(self._points) != set(self._order.values()):
            return None
        return np.stack([self._points[i] for i in range(len(self._points))])

    def _watched(self, *_: int) -> Any:
        """Return what a point stands for, remembering the chain's last."""
        # nutpie asks for a chain's first point in the thread that has just asked for this.
        self._own[threading.get_ident()] = place = [UNKNOWN]
        return partial(self._values, Chain(self.layout, self._joint), place)

    def _values(self, chain: Chain, place: list[int], x: Floats) -> dict[str, Floats]:
        self._points[place[0]] = x.copy()
        return chain.values(x)

    def _begin(self, seed: int) -> Floats:
        own = self._own[threading.get_ident()]
        if own[0] == UNKNOWN:
            own[0] = self._order.get(seed, UNKNOWN)
            if self._start is not None:
                return np.array(self._start[own[0]], dtype=np.float64)
        # Also where a start of an earlier run was refused.
        return np.random.default_rng(seed).uniform(-_REACH, _REACH, self.layout.size)


def _seeds(seed: int, chains: int) -> list[int]:
    """Return by what seed nutpie knows each chain of a run."""
    own: dict[int, Floats] = {}

    def remember(*_: int) -> Any:
        own[threading.get_ident()] = halves = np.zeros(2)
        return lambda _: {"seed": halves}

    def begin(first: int) -> Floats:
        own[threading.get_ident()][:] = first >> _HALF_WORD, first % 2**_HALF_WORD
        return np.ones(1)

    tiny = from_pyfunc(
        1,
        lambda: lambda x: (-0.5 * float(x[0]) ** 2, -x),
        remember,
        [_NUMBER],
        [(2,)],
        ["seed"],
        make_initial_point_fn=begin,
    )
    sampler = nutpie.sample(
        tiny,
        draws=chains,
        tune=1,
        chains=chains,
        cores=1,
        seed=seed,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
    )
    try:
        found = sampler.wait()
    except BaseException:
        # nutpie's own answer to Ctrl-C asks for draws that are not there yet.
        with suppress(Exception):
            sampler.cancel()
        raise
    halves = found["posterior"]["seed"].to_numpy()[:, 0].astype(np.uint64)
    return [int(high) << _HALF_WORD | int(low) for high, low in halves]
