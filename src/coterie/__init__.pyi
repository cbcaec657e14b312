from .beliefs import Beliefs as Beliefs
from .beliefs import MembershipPrior as MembershipPrior
from .beliefs import ParameterPrior as ParameterPrior
from .beliefs import PopulationPrior as PopulationPrior
from .beliefs import build_model as build_model
from .beliefs import fit as fit
from .beliefs import predict as predict
from .deck import plot_calibration as plot_calibration
from .deck import plot_home as plot_home
from .deck import plot_prior as plot_prior
from .deck import plot_rates as plot_rates
from .errors import BeliefError as BeliefError
from .errors import ConvergenceWarning as ConvergenceWarning
from .errors import CoterieError as CoterieError
from .errors import EvidenceError as EvidenceError
from .errors import EvidenceWarning as EvidenceWarning
from .errors import FindingError as FindingError
from .errors import FitInterrupted as FitInterrupted
from .errors import Problem as Problem
from .evidence import Evidence as Evidence
from .evidence import Outcome as Outcome
from .evidence import check as check
from .evidence import datasets as datasets
from .evidence import simulate as simulate
from .findings import Finding as Finding
from .findings import backtest as backtest

__version__: str
