"""Maturity: what has arrived, what is still to come, and what ignoring it would cost."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import integrate as quadrature
from scipy import stats
from scipy.special import expit, logsumexp

import coterie as co
from coterie import names
from coterie.beliefs.cutting import cut_to
from coterie.beliefs.design import Levels, design
from coterie.beliefs.local_effects import draw_local
from coterie.beliefs.maturity import LEAST
from coterie.beliefs.membership import ONE, Phi, integrate
from coterie.beliefs.predicting import predictive
from coterie.beliefs.redrawing import replicas
from coterie.beliefs.thinning import grown, thin
from coterie.evidence import simulate
from tests.beliefs.stated_world import stating

FOLLOW = co.Outcome.binary("follow", successes="follows", trials="listeners")
PLAY = co.Outcome.count("play", total="plays", exposure="hours")
BOTH = (FOLLOW, PLAY)
DAYS = 14.0


def table(**columns):
    """Two artists in two clusters, read at several ages."""
    frame = pd.DataFrame(
        {
            "artist": ["a", "a", "a", "b", "b"],
            "cluster": ["gym", "gym", "indie", "gym", "indie"],
            "listeners": [40, 60, 50, 80, 30], "follows": [3, 9, 1, 12, 2],
            "hours": [10.0, 4.0, 7.5, 3.0, 9.0], "plays": [12, 3, 9, 1, 14],
            "period_start": pd.to_datetime(["2026-01-05"] * 5),
            "period_end": pd.to_datetime(["2026-01-05"] * 4 + ["2026-01-11"]),
            "seen": pd.to_datetime(
                ["2026-01-13", "2026-02-03", "2026-01-13", "2026-03-07", "2026-01-19"]
            ),
        }
    )  # fmt: skip
    frame = frame.assign(**columns)
    # The second row is one more day of the first row's cell.
    frame.loc[1, ["period_start", "period_end"]] = pd.Timestamp("2026-01-06")
    return frame


def read(frame, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.EvidenceWarning)
        return co.Evidence.from_frame(frame, outcomes=BOTH, **({"seen": "seen"} | how))


def laid_out(evidence, late=("follow", "play")):
    levels = Levels.of(evidence)
    levels = type(levels)(**{f: getattr(levels, f) for f in levels.__slots__} | {"late": late})
    return design(evidence, levels)


def arrived(made, days=DAYS, shape=1.0, outcomes=2):
    numbers = [np.full((1, outcomes), v) for v in (days, shape)]
    return made.ages.arrived(made.outcome, *numbers)[0]


def mean_share(low, high, days, shape):
    """What people of ages between two have done, by quadrature."""
    scale = days / math.gamma(1 + 1 / shape)
    area, _ = quadrature.quad(lambda t: 1 - math.exp(-((t / scale) ** shape)), low, high)
    return area / (high - low)


@pytest.mark.parametrize("shape", [0.6, 1.0, 1.7])
def test_a_row_shows_the_mean_share_of_people_who_came_evenly_over_its_period(shape):
    made = laid_out(read(table()))
    found = arrived(made, shape=shape)
    last = (made.artist == 1) & (made.cluster == 1) & (made.outcome == 0)
    assert found[last][0] == pytest.approx(mean_share(7, 14, DAYS, shape), rel=1e-4)


def test_a_cell_of_two_rows_has_the_mean_of_their_shares_by_denominator():
    made = laid_out(read(table()))
    found = arrived(made)
    own = (made.artist == 0) & (made.cluster == 0)
    ages = mean_share(7, 8, DAYS, 1.0), mean_share(27, 28, DAYS, 1.0)
    for outcome, weights in ((0, (40, 60)), (1, (10.0, 4.0))):
        here = found[own & (made.outcome == outcome)]
        assert here == pytest.approx([np.average(ages, weights=weights)], rel=1e-6)


def test_an_outcome_without_a_delay_has_arrived_and_of_nobody_met_yet_nothing_has():
    evidence = read(table())
    made = laid_out(evidence, late=("play",))
    found = arrived(made)
    assert np.all(found[made.outcome == 0] == 1)
    assert np.all(found[made.outcome == 1] < 1)
    early = table(seen=pd.Timestamp("2026-01-06 01:00"))
    early["period_start"] = early["period_end"] = pd.Timestamp("2026-01-06")
    early = early.drop(1)
    assert np.all(arrived(laid_out(read(early))) >= LEAST)
    half = table(seen=pd.Timestamp("2026-01-08 12:00"))
    half.loc[1, ["period_start", "period_end"]] = pd.Timestamp("2026-01-05")
    half.loc[1, "artist"] = "c"
    half["period_end"] = pd.Timestamp("2026-01-11")
    # Half of the week had been met, three and a half days ago at most.
    assert arrived(laid_out(read(half)))[0] == pytest.approx(
        0.5 * mean_share(0, 3.5, DAYS, 1.0), rel=1e-6
    )


def test_the_share_has_the_slope_that_the_sampler_follows():
    import pytensor
    import pytensor.tensor as pt

    from coterie.beliefs import operations

    made = laid_out(read(table()), late=("play",))
    data = made.ages.arrays(made.outcome) | {"outcome_code": made.outcome}
    days, shape = pt.vector("days"), pt.vector("shape")
    told = operations.arrived({k: pt.as_tensor(v) for k, v in data.items()}, [1], days, shape)
    run = pytensor.function([days, shape], told)
    for at in ((3.0, 1.0), (14.0, 0.7), (60.0, 2.0)):
        found = run(np.array([0.0, at[0]]), np.array([1.0, at[1]]))
        assert found == pytest.approx(arrived(made, *at), rel=1e-12)
    assert np.all(np.isfinite(pytensor.function(
        [days, shape], pytensor.grad(told.sum(), days))(np.array([0.0, 9.0]), np.ones(2))
    ))  # fmt: skip


LOADING = (0.5, 0.7)


def phi_of(made, mature):
    return Phi(
        base=np.array([[-1.5, 0.4]])[:, made.outcome],
        log_kappa=np.full((1, 2, 2), math.log(30.0)),
        loading=np.array([LOADING]), artist_scale=np.zeros((1, 2)),
        log_prior=np.log(np.array([[0.6, 0.3]] * 2)), log_elsewhere=math.log(0.1), mature=mature,
    )  # fmt: skip


def by_hand(made, mature, artist):
    """Belief and log evidence of one artist, on a grid of fits, with SciPy alone."""
    s = np.linspace(-7, 7, 2801)
    law = np.tile(stats.norm.logpdf(s) + math.log(s[1] - s[0]), (3, 1))
    for j in np.flatnonzero(made.artist == artist):
        o, m, y, n = made.outcome[j], mature[j], made.y[j], made.n[j]
        eta = (-1.5, 0.4)[o] + LOADING[o] * s
        if o == 0:
            mu = expit(eta)
            kappa = (1 - m * mu) / (m * (1 - mu)) * 31.0 - 1.0
            log_mass = stats.betabinom.logpmf(y, n, m * mu * kappa, (1 - m * mu) * kappa)
        else:
            mean = n * m * np.exp(eta)
            log_mass = stats.nbinom.logpmf(y, 30.0, 30.0 / (30.0 + mean))
        law[made.cluster[j]] += log_mass
    mass = logsumexp(law, axis=1)
    law = np.exp(law - mass[:, None])
    below = np.cumsum(law, axis=1) - 0.5 * law
    # The last stands for a cluster that is not named, whose fit may be the highest.
    highest = [(law[k] * np.delete(below, k, axis=0).prod(axis=0)).sum() for k in range(3)]
    weighed = np.array(highest) * [0.6, 0.3, 0.1]
    return weighed / weighed.sum(), mass.sum()


def test_beliefs_are_bayes_rule_on_what_has_arrived():
    made = laid_out(read(table()))
    mature = arrived(made)
    found = integrate(made, phi_of(made, mature[None]), homes=ONE)
    for artist in (0, 1):
        belief, evidence = by_hand(made, mature, artist)
        told = np.append(found.belief[0, artist], found.elsewhere[0, artist])
        assert told == pytest.approx(belief, abs=2e-3)
        assert found.log_evidence[0, artist] == pytest.approx(evidence, abs=2e-3)
    # What had not arrived is no sign of a low fit.
    whole = integrate(made, phi_of(made, None), homes=ONE)
    assert abs(whole.belief - found.belief).max() > 0.02


def test_all_arrived_is_the_same_as_no_delay_at_all():
    made = laid_out(read(table()))
    plain = integrate(made, phi_of(made, None), homes=ONE)
    whole = integrate(made, phi_of(made, np.ones((1, made.y.size))), homes=ONE)
    assert np.array_equal(plain.belief, whole.belief)
    assert np.array_equal(plain.log_evidence, whole.log_evidence)


def test_one_artist_alone_is_believed_in_as_among_all():
    made = laid_out(read(table()))
    whole = integrate(made, phi_of(made, arrived(made)[None]), homes=ONE)
    cut = cut_to(made, np.array([1]))
    phi = phi_of(cut, arrived(cut)[None])
    alone = integrate(cut, Phi(**{f: getattr(phi, f) for f in phi.__slots__} | {
        "log_prior": phi.log_prior[:1]}), homes=ONE)  # fmt: skip
    assert alone.belief[0, 0] == pytest.approx(whole.belief[0, 1], abs=1e-12)


def test_own_effects_are_drawn_from_what_has_arrived():
    made = laid_out(read(table()), late=("follow",))
    draws, own = 400, np.linspace(-2.5, 2.5, 401)
    mature = arrived(made)
    phi = phi_of(made, mature[None])
    wide = {
        "base": np.repeat(phi.base, draws, axis=0), "log_kappa": np.repeat(phi.log_kappa, draws, 0),
        "loading": np.zeros((draws, 2)),
        "artist_scale": np.full((draws, 2), 0.5), "mature": np.repeat(mature[None], draws, axis=0),
    }  # fmt: skip
    rest = {f: getattr(phi, f) for f in ("log_prior", "log_elsewhere")}
    drawn = draw_local(made, Phi(**wide, **rest), homes=ONE, rng=np.random.default_rng(1))
    height = stats.norm(0, 0.5).logpdf(own)
    for j in np.flatnonzero((made.artist == 0) & (made.outcome == 0)):
        mu, m = expit(-1.5 + own), mature[j]
        kappa = (1 - m * mu) / (m * (1 - mu)) * 31.0 - 1.0
        height += stats.betabinom.logpmf(made.y[j], made.n[j], m * mu * kappa, (1 - m * mu) * kappa)
    mean = np.average(own, weights=np.exp(height - height.max()))
    # A standard deviation of 0.35 over the root of 400 draws is 0.018.
    assert drawn.artist_effect[:, 0, 0].mean() == pytest.approx(mean, abs=0.07)


@pytest.mark.parametrize("outcome", BOTH, ids=str)
def test_thinning_is_undone_by_growing(outcome):
    law = np.array([[-2.0, 0.5]]), np.array([[30.0, 400.0]])
    mature = np.array([[0.3, 0.9]])
    back = grown(outcome, thin(outcome, law, mature), mature)
    assert back[0] == pytest.approx(law[0])
    assert back[1] == pytest.approx(law[1])


@pytest.mark.parametrize(
    ("how", "frame", "told"),
    [
        ({"seen": None}, table(), "no seen"),
        ({}, table(seen=pd.to_datetime(["2026-02-01"] * 4 + [None])), "row 4 .artist 'b'.*1 of 5"),
        ({}, table(seen=pd.Timestamp("2026-01-05")), "had not begun; 5 of 5"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_aged_are_named(how, frame, told):
    evidence = read(frame, **how)
    population = co.PopulationPrior().replace(delay=co.ParameterPrior.lognormal(14, 0.5))
    with pytest.raises(co.EvidenceError, match=told):
        co.fit(evidence, None, homes=None, population=population, rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("parameter", "prior"),
    [
        ("delay", co.ParameterPrior.halfnormal(9)), ("delay", co.ParameterPrior.normal(14, 3)),
        ("delay", co.ParameterPrior.fixed(-1)), ("delay_shape", co.ParameterPrior.fixed(0)),
        ("delay_shape", co.ParameterPrior.halfnormal(1)),
    ],
)  # fmt: skip
def test_a_delay_is_positive_or_stated_as_none(parameter, prior):
    with pytest.raises(co.BeliefError, match=parameter):
        co.PopulationPrior().replace(**{parameter: prior})


def test_what_is_climbed_to_has_no_delay():
    population = co.PopulationPrior().replace(delay=co.ParameterPrior.fixed(14))
    with pytest.raises(co.BeliefError, match="delay"):
        co.mode(read(table()), population=population, rng=np.random.default_rng(1))


WORLD = {
    "alpha": [-2.0], "loading": [0.5], "kappa": [200.0], "kappa_spread": [0.0],
    "artist_scale": [0.25], "cluster_scale": [0.3], "period_scale": [0.1],
}  # fmt: skip


@pytest.fixture(scope="module")
def world():
    """A world whose delays are 14 days on average, rows read after 7 to 90 of them."""
    return simulate.world(
        artists=20, clusters=3, windows=4, window="1D", outcomes=(FOLLOW,), parameters=WORLD,
        delays={"follow": DAYS}, read_after=(7, 7, 28, 60, 90), listeners=1500,
        rng=np.random.default_rng(4),
    )  # fmt: skip


def fitted(evidence, **changes):
    population = co.PopulationPrior().replace(kappa_spread=co.ParameterPrior.fixed(0.0), **changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", co.ConvergenceWarning)
        return co.fit(
            evidence, co.MembershipPrior.uniform(evidence.clusters), population=population,
            draws=400, chains=2, rng=np.random.default_rng(5),
        )  # fmt: skip


@pytest.fixture(scope="module")
def late(world):
    return fitted(world.evidence(), delay=co.ParameterPrior.lognormal(14, 0.5))


@pytest.fixture(scope="module")
def ignored(world):
    return fitted(world.evidence())


def day_sixty(beliefs, world, **how):
    """Predicted and true rates at day 60 of the cells that were read at day 7."""
    drawn = co.predict(
        beliefs, world.evidence(), of="observed", rng=np.random.default_rng(6), **how
    )
    age = (world.frame["seen"] - world.frame["period_end"]).dt.days - 1
    young = (age == 7).to_numpy()
    truth = world.truth["rate"].to_numpy()[young, 0] * -math.expm1(-60 / DAYS)
    return drawn["rate"].to_numpy().reshape(-1, young.size)[:, young], truth


@pytest.mark.slow
def test_a_read_at_day_seven_says_day_sixty_and_ignoring_its_age_does_not(late, ignored, world):
    told, truth = day_sixty(late, world, age=60)
    low, high = np.quantile(told, [0.05, 0.95], axis=0)
    inside = ((low <= truth) & (truth <= high)).mean()
    bias = told.mean(axis=0).sum() / truth.sum() - 1
    delay = late.tree["posterior"]["delay"]
    # The delay's own posterior sd moves all of them together: about 0.8 of it.
    slack = 0.8 * float(delay.std() / delay.mean())
    assert abs(bias) < 0.01 + 3 * slack
    assert slack < 0.05
    # 96 cells: a standard error of 0.03.
    assert 0.8 <= inside <= 0.98
    told, truth = day_sixty(ignored, world)
    low, high = np.quantile(told, [0.05, 0.95], axis=0)
    assert told.mean(axis=0).sum() / truth.sum() - 1 < -0.3
    assert ((low <= truth) & (truth <= high)).mean() < 0.3


@pytest.mark.slow
def test_the_delay_is_learned_where_rows_are_of_several_ages(late):
    delay = late.tree["posterior"]["delay"].to_numpy()
    assert abs(delay.mean() - DAYS) < 4 * delay.std()
    # Stated: a factor of 1.6 either way, a standard deviation of 8 days.
    assert delay.std() < 1.2


@pytest.mark.slow
def test_a_summary_says_what_has_arrived(late, world):
    table = late.maturity(prob=0.9)
    people = world.frame["listeners"].to_numpy()
    truth = np.average(world.truth["arrived"].to_numpy()[:, 0], weights=people)
    row = table.iloc[0]
    assert row["lower"] <= row["arrived"] <= row["upper"]
    assert row["arrived"] == pytest.approx(truth, abs=0.03)
    summary = late.summary()
    assert f"{100 * row['arrived']:.0f} % of follow" in summary.attrs["maturity"][0]
    assert summary["follow_arrived"].between(0.3, 1).all()
    assert "late on average" in repr(late)


@pytest.mark.slow
def test_late_beliefs_survive_a_file_and_go_everywhere_beliefs_go(late, world, tmp_path):
    late.save(tmp_path / "late.nc")
    loaded = co.Beliefs.load(tmp_path / "late.nc")
    assert np.array_equal(loaded.maturity(), late.maturity())
    evidence = world.evidence()
    scored = predictive(loaded, evidence, rng=np.random.default_rng(7))
    middle = (scored["cdf_below"] + scored["cdf"]) / 2
    # Uniform if rows are scored at their own ages: 240 rows, a standard error of 0.02.
    assert float(middle.mean()) == pytest.approx(0.5, abs=0.08)
    again = replicas(loaded, draws=20, rng=np.random.default_rng(8))
    assert again.y.mean() == pytest.approx(again.made.y.mean(), rel=0.15)
    some = evidence.artists[:2].tolist()
    frame = world.frame[world.frame["artist"].isin(some)]
    scores = co.score(loaded.population, loaded.population.read(frame))
    home = loaded.home.sel(artist=some).mean(("chain", "draw"))
    assert scores["mean"].to_numpy().reshape(home.shape) == pytest.approx(home.to_numpy(), abs=0.1)
    assert co.explain(loaded, some[0]).table["nats"].notnull().any()


@pytest.mark.slow
def test_a_later_read_of_the_same_people_takes_the_place_of_the_earlier(late, world):
    own = world.frame[world.frame["artist"] == "artist 01"]
    youngest = (own["seen"] - own["period_end"]).argsort().head(1)
    row = own.iloc[youngest].copy()
    old = row.copy()
    row["seen"] += pd.Timedelta(days=60)
    row["follows"] += 1
    again = co.update(
        late, late.evidence.read_more(row), replaces=True, rng=np.random.default_rng(9)
    )
    assert len(again.evidence) == len(late.evidence)
    kept = again.evidence.to_frame().merge(row, on=["artist", "cluster", "period_start", "seen"])
    assert len(kept) == 1
    before, after = (
        arrived(laid_out(each.evidence, late=("follow",)), outcomes=1) for each in (late, again)
    )
    assert np.sum(after > before + 0.1) == 1
    assert np.all(after >= before)
    old["seen"] = old["seen"] - pd.Timedelta(days=1)
    with pytest.raises(co.EvidenceError):
        co.update(again, late.evidence.read_more(old), replaces=True, rng=np.random.default_rng(9))


def stated_late(frame, days=DAYS):
    """Beliefs of which everything is stated, with a delay of both outcomes."""
    beliefs = stating(read(frame), {})
    posterior = beliefs.tree[names.POSTERIOR].to_dataset()
    shape = {names.DELAY: days, names.DELAY_SHAPE: 1.0}
    posterior = posterior.assign(
        {name: xr.full_like(posterior[names.ALPHA], value) for name, value in shape.items()}
    )
    tree = beliefs.tree.copy()
    tree[names.POSTERIOR] = xr.DataTree(posterior)
    return co.Beliefs(tree)


def unmeasured(frame, row):
    """Nothing was measured in one row."""
    counts = ["follows", "plays"]
    frame = frame.astype(dict.fromkeys(counts, "Int64"))
    frame.loc[row, counts] = pd.NA
    return frame


def test_a_row_in_which_nothing_late_was_measured_needs_no_date_to_be_scored():
    beliefs, frame = stated_late(table()), unmeasured(table(), 0)
    scores = [
        predictive(beliefs, read(rows), rng=np.random.default_rng(1))["log_score"].to_numpy()
        for rows in (frame, frame.assign(seen=frame["seen"].where(frame.index != 0)))
    ]
    assert np.isnan(scores[1][0]).all()
    np.testing.assert_array_equal(*scores)


def test_a_cell_in_which_nothing_was_measured_has_the_rate_of_its_population():
    frame = unmeasured(table(), 4)
    beliefs = stated_late(frame)
    drawn = co.predict(beliefs, read(frame), of="observed", rng=np.random.default_rng(1))
    assert drawn["rate"].isel(row=4).to_numpy() == pytest.approx(expit(-1.0))


def test_a_period_lasts_to_the_end_of_its_last_day_whatever_moment_is_written():
    frame = table()
    closed = frame.assign(period_end=frame["period_end"] + pd.Timedelta("23:59:59"))
    found = [arrived(laid_out(read(rows))) for rows in (frame, closed)]
    np.testing.assert_array_equal(*found)
    told = [stated_late(rows).maturity()["age"].to_numpy() for rows in (frame, closed)]
    np.testing.assert_array_equal(*told)


@pytest.mark.parametrize("age", ["7", True, -1, 0, math.nan])
def test_an_age_that_is_no_stretch_of_days_is_refused_by_its_value(age):
    with pytest.raises(co.BeliefError, match=f"age is {age!r}"):
        co.predict(stated_late(table()), read(table()), age=age, rng=np.random.default_rng(1))
