"""Compiling: our joints say what nutpie's say, and the same thing in every process."""

import ctypes
import os
import subprocess
import sys

import numpy as np
import nutpie
import pymc as pm
import pytensor.tensor as pt
import pytest
from nutpie import compile_pymc as joints
from pytensor.raise_op import Assert

from coterie.beliefs.compiling import compile_model

NUMBERS = ctypes.POINTER(ctypes.c_double)


def stated():
    """A model with shared arrays of none, one and two axes, that refuses high slopes."""
    with pm.Model() as model:
        table = pm.Data("table", np.arange(12.0).reshape(3, 4))
        weight = pm.Data("weight", np.array([0.5, 1.5, 2.5]))
        scale = pm.Data("scale", np.array(1.7))
        slope = pm.Normal("slope", shape=4)
        width = pm.HalfNormal("width")
        mean = pm.Deterministic("mean", table @ slope / scale)
        mean = Assert("the slope is too high")(mean, pt.lt(slope.sum(), 100.0))
        pm.Potential("fit", -(weight * (mean - 1) ** 2).sum() / width)
    return model


@pytest.fixture(scope="module")
def both():
    return compile_model(stated()), nutpie.compile_pymc_model(stated())


def density(compiled, at, size=None):
    """What the sampler is told at a point: its code, value and slope."""
    slope, value = np.zeros(at.size), np.zeros(1)
    record = compiled.user_data
    code = compiled.compiled_logp_func.ctypes(
        at.size if size is None else size,
        at.ctypes.data_as(NUMBERS), slope.ctypes.data_as(NUMBERS), value.ctypes.data_as(NUMBERS),
        record.ctypes.data,
    )  # fmt: skip
    return code, value[0], slope


def stored(compiled, at):
    out = np.zeros(compiled.n_expanded)
    code = compiled.compiled_expand_func.ctypes(
        at.size, out.size, at.ctypes.data_as(NUMBERS), out.ctypes.data_as(NUMBERS),
        compiled.user_data.ctypes.data,
    )  # fmt: skip
    return code, out


def test_density_slope_and_stored_variables_are_those_of_nutpie(both, rng):
    for at in rng.normal(size=(20, 5)):
        (code, value, slope), (_, expected, slopes) = (density(each, at) for each in both)
        assert code == 0
        assert value == pytest.approx(expected, rel=1e-12)
        assert slope == pytest.approx(slopes, rel=1e-10)
        assert stored(both[0], at)[1] == pytest.approx(stored(both[1], at)[1], rel=1e-12)


def test_other_data_of_other_sizes_are_read_where_they_lie(both, rng):
    other = {
        "table": rng.normal(size=(6, 4)), "weight": rng.uniform(size=6), "scale": np.array(0.4)
    }  # fmt: skip
    mine, theirs = (each.with_data(**other) for each in both)
    at = rng.normal(size=5)

    assert density(mine, at)[1] == pytest.approx(density(theirs, at)[1], rel=1e-12)
    assert density(mine, at)[1] != pytest.approx(density(both[0], at)[1], rel=1e-3)


def test_the_sampler_is_told_of_what_is_not_finite_and_of_other_sizes(both):
    ours, theirs = both
    for at in (np.full(5, np.nan), np.array([0, 0, 0, 0, -800.0]), np.full(5, -1e200)):
        assert density(ours, at)[0] == density(theirs, at)[0] != 0
    assert density(ours, np.zeros(5), size=4)[0] == density(theirs, np.zeros(5), size=4)[0] == -1


def test_an_error_inside_the_density_is_told_and_not_taken_for_a_number(both):
    for compiled in both:
        assert density(compiled, np.zeros(5))[0] == 0
        assert density(compiled, np.full(5, 50.0))[0] == 1
        assert density(compiled, np.zeros(5))[0] == 0


@pytest.mark.parametrize("other", [None, lambda size, density: (size, density)])
def test_a_nutpie_with_other_joints_uses_its_own(monkeypatch, other):
    assert joints._make_c_logp_func.__module__.startswith("nutpie")
    own = joints._make_c_expand_func
    monkeypatch.setattr(joints, "_make_c_logp_func", other)
    seen = []

    def compile_pymc_model(model):
        seen.append(joints._make_c_expand_func)
        return model

    monkeypatch.setattr(nutpie, "compile_pymc_model", compile_pymc_model)
    compile_model(stated())

    assert seen == [own]


FIT = """
import hashlib, sys, warnings
import numpy as np
import coterie as co
warnings.simplefilter("ignore")
world = co.simulate.world(artists=6, clusters=3, rng=np.random.default_rng(4)).evidence()
prior = co.MembershipPrior.uniform(world.clusters.tolist())
beliefs = co.fit(world, prior, draws=100, tune=200, chains=2, rng=np.random.default_rng(5))
posterior = beliefs.tree["posterior"].to_dataset()
values = [posterior[name].to_numpy().tobytes() for name in sorted(posterior)]
sys.stdout.write(hashlib.sha256(b"".join(values)).hexdigest())
"""


@pytest.mark.nightly
def test_draws_are_the_same_whether_the_code_is_compiled_now_or_was_kept(tmp_path):
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    found = [
        subprocess.run(
            [sys.executable, "-c", FIT], env=os.environ | flags, capture_output=True, text=True,
            check=True, timeout=1800,
        ).stdout
        for _ in range(3)
    ]  # fmt: skip

    assert len(found[0]) == 64
    assert len(set(found)) == 1
