"""Planted faults: each is put into a fit on purpose, and the calibration must cry out.

A suite that has never caught anything proves nothing. Gross faults are caught on a few worlds,
two of them on every change; finer ones need hundreds, whose results are kept in
``proofs/results/planted`` and read there: delete a folder to run its fault again.
"""

from pathlib import Path
from unittest.mock import patch

import pytest

import coterie as co
from coterie.beliefs import chain, vector_plan, walkers
from coterie.findings import sbc

SEED = 20261124
KEPT = Path(__file__).parents[2] / "proofs" / "results" / "planted"
BRIEF = {"draws": 200, "tune": 300, "target_accept": 0.8}


def changed(evidence, change):
    """Return the evidence after its table was changed."""
    frame = evidence.to_frame()
    change(frame)
    return co.Evidence.from_frame(frame, outcomes=evidence.outcomes)


def swap_successes_and_failures(frame):
    frame["saves"] = frame["listeners"] - frame["saves"]


def forget_exposure(frame):
    frame["new_listeners"] = int(frame["new_listeners"].mean())


def read_missing_as_zero(frame):
    for column in ("saves", "downstream_streams"):
        frame[column] = frame[column].fillna(0)


def misreading(change):
    """Fit a table that was misread, briefly: the fault is gross."""

    def fits(evidence, prior, **how):
        return co.fit(changed(evidence, change), prior, **how | BRIEF)

    return fits


def stating(**fixed):
    """Fit with parameters that are not learned but stated."""

    def fits(evidence, prior, *, population, **how):
        wrong = {name: co.ParameterPrior.fixed(value) for name, value in fixed.items()}
        return co.fit(evidence, prior, population=population.replace(**wrong), **how | BRIEF)

    return fits


def ignoring_pi(evidence, prior, **how):
    uniform = co.MembershipPrior.uniform(prior.clusters, elsewhere=prior.elsewhere)
    return co.fit(evidence, uniform, **how)


class _Unmapped(chain.Chain):
    """A chain whose coordinates of artists and fits are held to their law twice."""

    def density(self, x):
        value, slopes = super().density(x)
        own = slice(self.layout.plan.places[vector_plan.ARTIST], self.layout.size)
        slopes[own] -= x[own]
        return value - 0.5 * float(x[own] @ x[own]), slopes


def dropping_jacobians():
    """Fit a model whose density misreads its own coordinates."""

    def fits(evidence, prior, **how):
        with patch.object(walkers, "Chain", _Unmapped):
            return co.fit(evidence, prior, **how | BRIEF)

    return fits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "fits"),
    [
        pytest.param("one-home", misreading(swap_successes_and_failures), id="swapped"),
        pytest.param(
            "one-home", misreading(forget_exposure), id="exposure", marks=pytest.mark.nightly
        ),
        pytest.param("missing-outcomes", misreading(read_missing_as_zero), id="missing"),
    ],
)
def test_a_gross_fault_is_caught_on_ten_worlds(family, fits, tmp_path):
    found = sbc(family, folder=tmp_path, replications=10, seed=SEED, fits=fits)
    assert found.table["flagged"].any(), found.table.to_dataframe()


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("fault", "family", "fits", "replications"),
    [
        ("affinity-dropped", "one-home", stating(loading=0.0), 25),
        ("kappa-fixed", "one-home", stating(kappa=55.0), 25),
        ("jacobian-dropped", "one-home", dropping_jacobians(), 50),
        ("pi-ignored", "one-home", ignoring_pi, 175),
    ],
)
def test_a_fault_of_the_model_is_caught(fault, family, fits, replications):
    found = sbc(family, folder=KEPT / fault, replications=replications, seed=SEED, fits=fits)
    assert found.table["flagged"].any(), found.table.to_dataframe()
