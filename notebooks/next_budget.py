# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Where does the next 10,000 go?
#
# From a belief to a budget: how well each cluster answers, what a unit of money buys there, how spread the artist
# is, and how 10,000 should be split. The beliefs come with the package; all of it is made up.

# %%
import numpy as np

import coterie as co

rng = np.random.default_rng(7)
beliefs = co.example_beliefs()
artist = "Oslo Choir"
print(co.say_home(beliefs, artist))

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
# ## The split
# Sleeves first: what is validated, what is adjacent, what is tried inside the validated. Clusters share a sleeve by
# how probable each is the best buy, which tests a runner-up as often as it may be the better one.

# %%
rules = co.Rules(validated=["indie pop", "road trip"], maturity=0.4, least_test=200, break_even=0.5)
split = co.allocate(beliefs, artist, budget=10_000, values=worth, rules=rules, rng=rng)
split

# %%
print(split.to_frame()[["line", "amount", "why"]].to_string(index=False))

# %% [markdown]
# ## On slides

# %%
deck = co.Deck([card, money, spread, split], title="Where does the next 10,000 go?")
deck

# %%
float(split.table["amount"].sum()) == 10_000
