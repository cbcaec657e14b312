"""Dimension, variable and group names, spelled once.

Every room reads its labels here, so that a file written by one part can be
read by another. Knows nothing but words.
"""

from typing import Final

# Dimensions.
CHAIN: Final = "chain"
DRAW: Final = "draw"
ROW: Final = "row"
CELL: Final = "cell"
ARTIST: Final = "artist"
CLUSTER: Final = "cluster"
OUTCOME: Final = "outcome"
BINARY_OUTCOME: Final = "binary_outcome"
COUNT_OUTCOME: Final = "count_outcome"
WINDOW: Final = "window"

# Row labels of a table.
RELEASE: Final = "release"
PERIOD_START: Final = "period_start"
PERIOD_END: Final = "period_end"
SEEN: Final = "seen"
SPEND: Final = "spend"
CURRENCY: Final = "currency"
WEIGHT: Final = "artist_units"
COVARIATE: Final = "covariate"
BOUGHT: Final = "bought"
POWER: Final = "cell_power"

# Counts.
NUMERATOR: Final = "numerator"
DENOMINATOR: Final = "denominator"

# Population parameters, one value an outcome (and covariate).
ALPHA: Final = "alpha"
LOADING: Final = "loading"
KAPPA: Final = "kappa"
KAPPA_SPREAD: Final = "kappa_spread"
ARTIST_SCALE: Final = "artist_scale"
CLUSTER_SCALE: Final = "cluster_scale"
PERIOD_SCALE: Final = "period_scale"
SLOPE: Final = "slope"
DELAY: Final = "delay"
DELAY_SHAPE: Final = "delay_shape"

# Effects.
KAPPA_CLUSTER: Final = "kappa_cluster"
CLUSTER_EFFECT: Final = "cluster_effect"
PERIOD_EFFECT: Final = "period_effect"
ARTIST_EFFECT: Final = "artist_effect"
AFFINITY: Final = "affinity"
FACTOR_EFFECT: Final = "factor_effect_"
FACTOR_SCALE: Final = "factor_scale_"

# Beliefs.
HOME: Final = "home"
ELSEWHERE: Final = "elsewhere"
MEMBERSHIP: Final = "membership"

# Rates.
RATE: Final = "rate"
INTENSITY: Final = "intensity"

# Groups of a tree.
POSTERIOR: Final = "posterior"
BELIEFS: Final = "beliefs"
PRIOR: Final = "prior"
SAMPLE_STATS: Final = "sample_stats"
LOG_LIKELIHOOD: Final = "log_likelihood"
LOG_PRIOR: Final = "log_prior"
OBSERVED_DATA: Final = "observed_data"
LEDGER: Final = "ledger"
