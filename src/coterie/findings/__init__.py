"""The findings room: beliefs and a question in, a Finding out."""

from coterie.findings.backtest import backtest
from coterie.findings.finding import Finding
from coterie.findings.prior_predictive import prior_rates

__all__ = ["Finding", "backtest", "prior_rates"]
