# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Where does the next 10,000 go?
#
# From a belief to a budget: what should be mended first, how well each cluster answers, what a unit of money buys
# there, which clusters are ready to be scaled, what is worth testing, and how 10,000 should be split. The beliefs
# come with the package; all of it is made up.

# %%
import datetime as dt

import numpy as np
import pandas as pd

import coterie as co
from coterie.findings import Gates

rng = np.random.default_rng(7)
beliefs = co.example_beliefs()
artist = "Oslo Choir"
print(co.say_home(beliefs, artist))

# %% [markdown]
# ## Is the catalogue ready?
# Nine blockers, each checked on what was told; what was not told is "not checked", never fine.

# %%
tracks = pd.DataFrame(
    {
        "track": [f"track {i}" for i in range(12)],
        "release": ["Harbour Lights"] * 6 + ["North Side"] * 6,
        "released": ["2026-03-06"] * 6 + ["2026-10-09"] * 6,
        "lyrics": [True] * 12, "credits": [True] * 12, "artwork": [True] * 12, "isrc": [True] * 12,
        "genre": ["indie pop"] * 9 + ["dream pop"] * 3, "mood": ["bright"] * 12,
    }
)  # fmt: skip
ready = co.audit(
    artist, tracks=tracks, today="2026-11-02",
    profile={
        "verified": True, "bio": True, "images": True, "artist_pick": True, "playlists": 2,
        "links": True, "followers": 9_000, "monthly_listeners": 40_000,
    },
    listeners={"active": 15_000, "previously_active": 9_000, "programmed": 25_000},
    plan=["2026-11-04", "2026-11-12"], rng=rng,
)  # fmt: skip
ready

# %% [markdown]
# ## Who answers best?
# Scores are read against a reference that is frozen once: here these beliefs' own catalogue. A cluster added
# tomorrow moves no other one's score.

# %%
reference = co.Reference.of(beliefs, rng=rng)
card = co.scorecard(beliefs, artist, reference=reference, weights="fandom", rng=rng)
card

# %% [markdown]
# ## What does a unit of money buy?
# What an event is worth is for the team to say. These are points, so that a yield of 1 means nothing by itself;
# with values in the currency of the spend it is the break-even.

# %%
worth = {"save": 1.0, "add": 1.5, "follow": 4.0, "depth": 0.1}
money = co.durable_yield(beliefs, artist, values=worth, break_even=0.5, rng=rng)
money

# %% [markdown]
# The yield is total value over total spend. The next campaign alone scatters more: that is its risk.

# %%
money.to_frame()[
    ["cluster", "yield", "yield_lower", "yield_upper", "next_lower", "next_upper"]
].round(2)

# %% [markdown]
# ## How spread is the artist?

# %%
spread = co.positioning(beliefs, artist, rng=rng)
print(spread.headline)

# %% [markdown]
# ## What is scanned, validated, scaled?
# One campaign in each cluster is no reason to scale any of them, however well it went. What would the next
# campaign have to show, and how many would it take?

# %%
stands = co.phases(beliefs, artist, values=worth, gates=Gates(break_even=0.5), rng=rng)
print(stands.headline)
stands.to_frame()[["cluster", "phase", "pays", "promoted", "demoted", "needed"]].round(2)

# %% [markdown]
# ## What is worth testing?
# A test is worth what the budget brings more when it is given after the answer.

# %%
test = co.value_of_information(beliefs, artist, budget=10_000, values=worth, people=[1000], rng=rng)
print(test.headline)
test.to_frame()[["cluster", "people", "evsi", "evsi_error", "cost", "per_cost"]].round(2)

# %% [markdown]
# ## The split
# Sleeves first: what is validated, what is adjacent, what is tried inside the validated. Clusters share a sleeve by
# how probable each is the best buy, which tests a runner-up as often as it may be the better one.

# %%
rules = co.Rules(
    validated=["indie pop", "road trip"], maturity=0.4, least_test=200, break_even=0.5, audit=ready
)
split = co.allocate(beliefs, artist, budget=10_000, values=worth, rules=rules, rng=rng)
split

# %%
print(split.to_frame()[["line", "amount", "why"]].to_string(index=False))

# %% [markdown]
# ## On slides

# %%
when = co.playbook.plan("2026-12-04", today=dt.date(2026, 11, 2))
deck = co.Deck(
    [split, ready, card, money, spread, stands, test, when],
    title="Where does the next 10,000 go?",
)
deck

# %% [markdown]
# One picture, for a page that is no slide:

# %%
co.plot_finding(money)
# %%
float(split.table["amount"].sum()) == 10_000
