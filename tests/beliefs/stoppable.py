"""A fit to be stopped from outside: run as a script, it does what its argument says, then tells.

    python stoppable.py signal 3 2,2.1     # fits with Ctrl-C after 3 s; after 2 s and 2.1 s
    python stoppable.py checkpoint FILE    # says "sampling", then samples for long

Compiling costs far more than sampling, so a first short fit compiles and later ones begin to
sample at once.
"""

import json
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

import coterie as co
from coterie.beliefs import sampling
from coterie.evidence import simulate

warnings.simplefilter("ignore")
MANY = 200_000
WORLD = simulate.world(artists=8, clusters=3, rng=np.random.default_rng(4)).evidence()
PRIOR = co.MembershipPrior.uniform(WORLD.clusters.tolist())


def fit(draws=MANY, **options):
    rng = np.random.default_rng(5)
    return co.fit(WORLD, PRIOR, draws=draws, tune=200, rng=rng, belief_draws=40, **options)


def interrupted_after(waits):
    """Fit, with Ctrl-C after each wait; what came of it."""
    for wait in waits:
        threading.Timer(wait, os.kill, (os.getpid(), signal.SIGINT)).start()
    started = time.monotonic()
    try:
        found = outcome_of_a_fit()
    except KeyboardInterrupt:  # the last key was pressed when the fit had ended by itself
        found = {"late": True}
    found["seconds"] = time.monotonic() - started
    return found | {"workers": workers_left()}


def workers_left():
    time.sleep(0.3)
    threads = [task.read_text() for task in Path("/proc/self/task").glob("*/comm")]
    return sum("nutpie" in name for name in threads)


def outcome_of_a_fit():
    try:
        beliefs = fit()
    except co.FitInterrupted as error:
        found = {"refused": str(error)}
    except KeyboardInterrupt:
        return {"escaped": True}
    else:
        sizes = beliefs.tree["posterior"].sizes
        found = {
            "interrupted": beliefs.interrupted,
            "chains": sizes["chain"],
            "draws": sizes["draw"],
            "missing": int(beliefs.tree["posterior"].dataset.isnull().to_array().sum()),
            "said": beliefs.diagnose().lines[0],
        }
    time.sleep(0.3)  # for a key that is still to come
    return found


if __name__ == "__main__":
    sampling.LOOK_SECONDS = 1.0
    fit(draws=50)
    match sys.argv[1:]:
        case ["signal", *runs]:
            waits = [[float(wait) for wait in run.split(",")] for run in runs]
            sys.stdout.write(json.dumps([interrupted_after(each) for each in waits]))
        case ["checkpoint", path]:
            sys.stdout.write("sampling\n")
            sys.stdout.flush()
            fit(checkpoint=path)
