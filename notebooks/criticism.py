# ---
# jupyter:
#   jupytext:
#     text_representation: {extension: .py, format_name: percent}
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% [markdown]
# # Criticism: should these beliefs be acted on?
#
# A belief can be precise and wrong. Four questions, in the order in which they are cheap: has the computation
# converged, does the model make tables like this one, was it right about what came later, and what would have to
# change for the answer to change?

# %%
import numpy as np
import pandas as pd
import xarray as xr

import coterie as co

rng = np.random.default_rng(7)
beliefs = co.example_beliefs()
beliefs.diagnose()

# %% [markdown]
# ## Does the model make tables like this one?
# Replicas of the table are drawn with new artists. An observed rate far outside of its bar is a column that means
# something else than was thought, or a cluster that was counted otherwise.

# %%
check = co.predictive_check(beliefs, rng=rng)
print(co.say_predictive_check(check))
co.plot_ppc(check)

# %% [markdown]
# ## Everything at once
# `criticise` asks every such question, and ends with a verdict: good, check, or do not use. The last one asks whether
# leading clusters are ahead of the others by more than in replicas of the table in which nobody has lasting fits.

# %%
verdict = co.criticise(beliefs, rng=rng)
verdict

# %% [markdown]
# ## Was it right about what came later?
# Only rows that the fit has not seen can tell. Here they are drawn from the beliefs themselves, each artist's from
# another draw, so that they should be calibrated; of twenty outcomes that are, one strays from its band by chance.

# %%
frame = beliefs.evidence.to_frame()
draw_of_row = xr.DataArray(7 * pd.factorize(frame["artist"])[0], dims="row")
rates = co.predict(beliefs, beliefs.evidence, rng=rng).isel(chain=0).isel(draw=draw_of_row)
for name, column in (("save", "saves"), ("add", "adds"), ("follow", "follows")):
    rate = rates["rate"].sel(binary_outcome=name).to_numpy()
    frame[column] = rng.binomial(frame["listeners"].astype(int), rate)
depth = rates["intensity"].sel(count_outcome="depth").to_numpy()
frame["downstream_streams"] = rng.poisson(depth * frame["new_listeners"])
later = co.Evidence.from_frame(frame)
test = co.backtest(beliefs, later, rng=rng)
print(co.say_calibration(test))

# %%
co.plot_calibration(test)

# %% [markdown]
# ## What would have to change?

# %%
found = co.sensitivity(beliefs)
print(co.say_sensitivity(found))
co.plot_sensitivity(found)

# %% [markdown]
# ## In front of a client
# The same findings are slides.

# %%
deck = co.Deck([test, check, found], title="Can we rely on it?", audience="analyst")
deck

# %%
bool(check.table["p_value"].min() > 0.001)
