# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Reading a belief
#
# What the numbers of a belief mean, which of them to act on, and which not. The beliefs come with the package.

# %%
import numpy as np

import coterie as co

rng = np.random.default_rng(7)
beliefs = co.example_beliefs()
beliefs

# %% [markdown]
# ## The number, and the interval beside it
# `home` is the probability that a cluster is the artist's home, the one of its highest lasting fit: 0.83 is 17 of 20
# equally likely outcomes. It is not a share of listeners, and it is already averaged over everything that is not
# known. The interval beside it is parameter uncertainty: how far artists differ, between clusters and from cell to
# cell, was learned from twenty artists, and another twenty would have moved the belief within that interval.

# %%
columns = ["artist", "cluster", "prior", "home", "lower", "upper"]
beliefs.summary(artists=["Marrow", "Juno Park"])[columns].round(2)

# %%
co.plot_home(beliefs, artists=["Marrow", "Juno Park"], kind="interval")

# %% [markdown]
# ## How sure is the order?
# Two clusters can both be open while their order is not.

# %%
print(co.say_ranks(beliefs, "Juno Park"))
co.plot_ranks(beliefs, artist="Juno Park")

# %% [markdown]
# ## Why?
# Each outcome is left out in turn; what it was worth is the difference it made with all others in place.

# %%
co.explain(beliefs, "Marrow")

# %% [markdown]
# ## Beliefs explain, rates decide
# Money is spent on what listeners will do. The rate of the next comparable release has the artist's lasting fit
# inside it, and its interval is wide because one release differs from the next. Do not multiply a rate by a belief
# on top.

# %%
co.plot_rates(beliefs, outcome="save", artists=["Marrow", "Juno Park"])

# %%
print(co.say_rates(beliefs, "Marrow", outcome="save", rng=rng))
print(co.say_depth(beliefs, "Marrow", rng=rng))

# %%
co.plot_depth(beliefs, artists=["Marrow", "Juno Park"])

# %% [markdown]
# ## Everybody
# Where several artists are decided on at once, the probability of each being right is what adds up: of artists
# believed in with 0.8, one in five lives elsewhere.

# %%
print(co.say_affinity(beliefs))
co.plot_affinity(beliefs)

# %%
best = beliefs.home.mean(("chain", "draw")).max("cluster")
print(f"of {best.size} likeliest homes, {float(best.sum()):.0f} are expected to be right")

# %%
beliefs.diagnose().ok
