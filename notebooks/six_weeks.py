# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # A release in six weeks
#
# Ana Vale has a new single. Her team believes it belongs with bedroom pop. Five listener
# neighbourhoods could be right; the budget is for one or two of them. The first week scans all
# five with a little money, and every week after changes the belief.
#
# The numbers are simulated, so that the last cell can say whether the team ended up where the
# listeners really were.

# %%
import numpy as np
import pandas as pd

import coterie as co

rng = np.random.default_rng(9)
neighbourhoods = ["ambient focus", "bedroom pop", "gym rap", "indie folk", "late-night jazz"]
roster = [f"roster {i:02d}" for i in range(1, 30)]
outcomes = (
    co.Outcome.binary("save", successes="saves", trials="listeners"),
    co.Outcome.binary("follow", successes="follows", trials="listeners"),
)
world = co.simulate.world(
    artists=["Ana Vale", *roster],
    clusters=neighbourhoods,
    windows=8,
    window="7D",
    outcomes=outcomes,
    listeners=300,
    rng=rng,
)

# %% [markdown]
# ## Follows come late
# People save at once and follow when they have heard more: after two weeks on average. What a report
# shows of follows depends on how long after the week it was read. The simulated table holds the final
# numbers; here is what reports would have shown.

# %%
final = world.frame
DELAY = 14.0


def share(days):
    """Return the share of follows there `days` after a week's end, people coming evenly."""
    whole = np.exp(-days / DELAY) - np.exp(-(days + 7) / DELAY)
    return 1 - DELAY / 7 * whole


def read_on(rows, days):
    """Return the report of some rows, read so many days after each week's end."""
    seen = rows["period_end"] + pd.to_timedelta(np.asarray(days) + 1, unit="D")
    there = rng.binomial(rows["follows"], share(np.asarray(days, dtype=float)))
    return rows.assign(seen=seen, follows=there)


{f"day {d}": f"{share(d):.0%}" for d in (7, 28, 60)}

# %% [markdown]
# ## Before the release: what the roster taught
# The rest of the roster was out in the two weeks before. Their rows were read at all ages, which is
# what teaches the delay. `PopulationPrior` states that follows may be late; nobody has to know by how much.

# %%
weeks = sorted(final["period_start"].unique())
past = final[(final["artist"] != "Ana Vale") & final["period_start"].isin(weeks[:2])]
past = read_on(past, rng.choice([7, 28, 60, 90], len(past)))
arguments = {"outcomes": outcomes, "window": "7D", "seen": "seen"}
evidence = co.Evidence.from_frame(past, **arguments)

shares = dict(zip(neighbourhoods, [0.1, 0.4, 0.1, 0.3, 0.1], strict=True))
prior = co.MembershipPrior.from_shares(shares, elsewhere=0.1)
late = co.ParameterPrior.lognormal(14, 0.7, reason="two weeks, a factor of two either way")
population = co.PopulationPrior().replace(outcome="follow", delay=late)

beliefs = co.fit(evidence, prior, population=population, rng=rng, draws=1500, chains=2)
beliefs

# %% [markdown]
# How late are follows, and how much of them had been there when they were counted?

# %%
beliefs.maturity()

# %% [markdown]
# ## The scan week
# A little of everything. One report, read seven days after the week ended: most follows are still to
# come, and the model knows it.

# %%
ana = final[final["artist"] == "Ana Vale"]
scan, second_week, third_week, *last_weeks = weeks[2:]
first = read_on(ana[ana["period_start"] == scan], 7)
beliefs = co.update(beliefs, evidence.read_more(first), rng=rng)
beliefs.summary(artists="Ana Vale").round(3).T

# %% [markdown]
# The team's favourite and the listeners' answer, side by side:

# %%
co.plot_home(beliefs, artists=["Ana Vale"])

# %% [markdown]
# ## Two more weeks

# %%
for start in (second_week, third_week):
    week = read_on(ana[ana["period_start"] == start], 7)
    beliefs = co.update(beliefs, beliefs.evidence.read_more(week), rng=rng)

co.plot_update(beliefs, artist="Ana Vale")

# %% [markdown]
# No sampler ran for these updates wherever `path` says `weights`: the draws of the population were
# weighed by what the new rows say.

# %%
beliefs.history[["path", "until", "added", "replaced"]].to_dataframe()

# %% [markdown]
# ## A correction: the late follows are in
# Four weeks after the scan the same people are counted again. The later read takes the place of the
# earlier one, on purpose and by name; nobody is counted twice.

# %%
early = first["follows"].to_numpy()
rest = ana[ana["period_start"] == scan]["follows"].to_numpy() - early
since = (share(28.0) - share(7.0)) / (1 - share(7.0))
second = first.assign(
    follows=early + rng.binomial(rest, since),
    seen=first["period_end"] + pd.Timedelta(days=29),
)
before = beliefs.home.sel(artist="Ana Vale").mean(("chain", "draw"))
beliefs = co.update(beliefs, beliefs.evidence.read_more(second), replaces=True, rng=rng)
after = beliefs.home.sel(artist="Ana Vale").mean(("chain", "draw"))
pd.DataFrame(
    {
        "follows at day 7": early,
        "follows at day 28": second["follows"].to_numpy(),
        "belief before": before.sel(cluster=first["cluster"].to_numpy()).to_numpy().round(3),
        "belief after": after.sel(cluster=first["cluster"].to_numpy()).to_numpy().round(3),
    },
    index=first["cluster"],
)

# %% [markdown]
# There are many more follows and the belief hardly moved: they were expected. Read without its age,
# the first report would have called every neighbourhood half as willing to follow as it is.

# %% [markdown]
# ## Why do we believe that?

# %%
finding = co.explain(beliefs, "Ana Vale")
finding

# %% [markdown]
# ## Six weeks in
# The last three weeks come in one table. Where the weights no longer carry, the model is fitted again
# to the whole ledger; `history` says which it was, and the belief is right either way.

# %%
rest_of_it = read_on(ana[ana["period_start"].isin(last_weeks)], 7)
beliefs = co.update(beliefs, beliefs.evidence.read_more(rest_of_it), rng=rng)

co.plot_update(beliefs, artist="Ana Vale")

# %%
co.plot_rates(beliefs, outcome="follow", artists=["Ana Vale"])

# %% [markdown]
# Did the team end up where the listeners were?

# %%
home = world.truth["home"].sel(artist="Ana Vale").item()
belief = beliefs.home.sel(artist="Ana Vale").mean(("chain", "draw"))
believed = belief.idxmax("cluster").item()
{"truth": home, "believed": believed, "how surely": round(float(belief.max()), 2)}

# %%
believed == home
