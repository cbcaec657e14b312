"""The machine around a fit: its memory, its clock, a home folder that cannot be written."""

import itertools
import os
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest

import coterie as co
from coterie.beliefs import caches, memory
from coterie.beliefs.blueprint import Blueprint
from coterie.beliefs.design import Levels, design
from coterie.beliefs.sampling import Run
from coterie.evidence import simulate

RUN = Run(draws=1000, tune=500, chains=4, seed=1)
GIB = 2**30


@pytest.fixture(scope="module")
def blueprint():
    evidence = simulate.world(artists=300, clusters=6, rng=np.random.default_rng(1)).evidence()
    levels = Levels.of(evidence)
    population = co.PopulationPrior()
    return Blueprint(design(evidence, levels), levels, population)


def test_memory_needed_grows_with_draws_and_chains(blueprint):
    one = memory.bytes_needed(blueprint, RUN)
    more = [replace(RUN, draws=2000), replace(RUN, chains=8)]

    assert [memory.bytes_needed(blueprint, run) for run in more] == [2 * one - memory._BESIDE] * 2


def test_a_fit_that_fits_is_let_through(blueprint, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: memory.bytes_needed(blueprint, RUN))
    memory.check_memory(blueprint, RUN)
    monkeypatch.setattr(memory, "free_bytes", lambda: None)
    memory.check_memory(blueprint, RUN)


def test_the_number_of_draws_proposed_would_fit(blueprint, monkeypatch):
    large = replace(RUN, draws=50_000)
    monkeypatch.setattr(memory, "free_bytes", lambda: 3 * GIB)
    with pytest.raises(co.BeliefError, match=r"50,000 draws .* 3\.0 GiB of memory is free") as told:
        memory.check_memory(blueprint, large)

    draws = int(str(told.value).partition("draws=")[2].split()[0])
    assert draws >= 1000
    memory.check_memory(blueprint, replace(large, draws=draws))


def test_where_no_number_of_draws_fits_another_way_out_is_named(blueprint, monkeypatch):
    monkeypatch.setattr(memory, "free_bytes", lambda: GIB // 4)
    with pytest.raises(co.BeliefError, match="Give fewer artists or clusters"):
        memory.check_memory(blueprint, RUN)


def run(code, **environment):
    """Run code in a process with this environment and nothing else."""
    known = {"PATH": os.environ["PATH"], "TMPDIR": str(environment.pop("tmp", "/tmp"))}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        env=known | environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits as Linux counts them")
def test_under_a_limit_of_memory_a_fit_is_refused_before_it_compiles():
    said = run(
        """
        import resource, sys
        import numpy as np
        import coterie as co
        from coterie.evidence import simulate
        world = simulate.world(artists=200, clusters=4, rng=np.random.default_rng(1)).evidence()
        prior = co.MembershipPrior.uniform(world.clusters.tolist())
        co.fit
        pages = int(open("/proc/self/statm").read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**31,) * 2)
        try:
            co.fit(world, prior, draws=100_000, rng=np.random.default_rng(1))
        except co.BeliefError as error:
            print(error)
        from coterie.beliefs.vector_density import log_density
        print(len(log_density.signatures))
        """,
        HOME=os.environ.get("HOME", "/"),
    )
    assert "100,000 draws of this table need about" in said
    assert said.splitlines()[-1] == "0"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="folders as Unix has them")
def test_a_home_that_cannot_be_written_wakes_the_sampler_all_the_same(tmp_path):
    said = run(
        """
        import os
        import coterie as co
        co.fit, co.predict
        import pytensor
        print(pytensor.config.base_compiledir)
        """,
        HOME="/proc/nothing",
        tmp=tmp_path,
    )
    folder = next(tmp_path.glob("coterie-*"))
    assert said.strip() == str(folder / "pytensor")
    assert folder.stat().st_mode & 0o077 == 0


def test_caches_stay_where_the_user_put_them(monkeypatch):
    for name, value in (("PYTENSOR_FLAGS", "base_compiledir=/x"), ("NUMBA_CACHE_DIR", "/y")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(caches, "_is_writable", lambda _: False)
    monkeypatch.delitem(sys.modules, "pytensor", raising=False)
    caches.find_caches()

    assert os.environ["PYTENSOR_FLAGS"] == "base_compiledir=/x"
    assert os.environ["NUMBA_CACHE_DIR"] == "/y"


def test_other_flags_are_kept_beside_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float64")
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(caches, "_is_writable", lambda _: False)
    monkeypatch.setattr(caches, "_private", lambda: tmp_path)
    monkeypatch.delitem(sys.modules, "pytensor", raising=False)
    caches.find_caches()

    wanted = f"floatX=float64,base_compiledir={tmp_path / 'pytensor'}"
    assert os.environ["PYTENSOR_FLAGS"] == wanted
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "numba")


def test_a_folder_that_others_can_read_is_not_taken_for_a_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(caches.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(caches.tempfile, "tempdir", str(tmp_path))
    first = caches._private()
    assert caches._private() == first
    first.chmod(0o755)

    other = caches._private()
    assert other != first
    assert other.stat().st_mode & 0o077 == 0


def test_a_clock_that_jumps_and_another_time_zone_change_nothing(
    beliefs_like, tmp_path, monkeypatch
):
    beliefs, jumps = beliefs_like(draws=50), itertools.cycle([4e9, 0.0, 1.7e9, -5.0])
    monkeypatch.setattr(time, "time", lambda: next(jumps))
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    beliefs.save(tmp_path / "a.nc")
    monkeypatch.setenv("TZ", "America/Adak")
    time.tzset()
    loaded = co.Beliefs.load(tmp_path / "a.nc")
    monkeypatch.undo()
    time.tzset()

    assert loaded.to_frame().equals(beliefs.to_frame())
    assert loaded.evidence.to_frame().equals(beliefs.evidence.to_frame())
