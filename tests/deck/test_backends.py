"""Every picture on every backend it is promised for."""

import pytest

import coterie as co
from coterie.deck.style import filled, hollow
from tests.deck.conftest import made_up
from tests.deck.test_calibration import drawn_from_the_same
