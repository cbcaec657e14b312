"""What is read off a polynomial is what would have been computed."""

import numpy as np
import pytest

from coterie.beliefs.density import shared_part
from coterie.beliefs.interpolation import MOST, interpolate, read_off, told
from coterie.beliefs.threads import in_parts

ETA = np.linspace(-1, 1, 101)


def both(low, high, kappa, mature, y, n, is_count):
    """Return the length of the polynomial, what it gives and what is computed."""
    shared = shared_part(kappa, y, n, is_count)
    powers = np.empty(MOST)
    length = interpolate(low, high, kappa, mature, y, n, *shared, is_count, powers)
    found = np.full(ETA.size, np.nan)
    if length:
        read_off(ETA, powers, length, found)
    levels = 0.5 * (low + high) + 0.5 * (high - low) * ETA
    exact = [told(eta, kappa, mature, y, n, *shared, is_count)[0] for eta in levels]
    return length, found, np.array(exact)


@pytest.mark.parametrize("is_count", [False, True])
@pytest.mark.parametrize("mature", [1.0, 0.4])
@pytest.mark.parametrize("kappa", [0.3, 20.0, 5e3, np.inf])
@pytest.mark.parametrize(("y", "n"), [(0.0, 8.0), (3.0, 12.0), (40.0, 900.0), (9_000.0, 120_000.0)])
def test_polynomials_give_the_mass_wherever_they_are_handed_out(is_count, mature, kappa, y, n):
    rng = np.random.default_rng(3)
    lengths = []
    for _ in range(40):
        half = np.exp(rng.uniform(np.log(0.01), np.log(8)))
        middle = rng.uniform(-6, 3)
        length, found, exact = both(middle - half, middle + half, kappa, mature, y, n, is_count)
        lengths.append(length)
        if length:
            np.testing.assert_allclose(found, exact, rtol=1e-8, atol=1e-4)
    assert max(lengths) > 0


@pytest.mark.parametrize("half", [0.4, 1.2, 3.0])
def test_the_ranges_of_integrals_are_covered(half):
    length, found, exact = both(-2.5 - half, -2.5 + half, 90.0, 1.0, 31.0, 400.0, is_count=False)
    assert length > 0
    assert np.max(np.abs(found - exact)) < 1e-5


def test_a_range_without_width_is_one_mass():
    length, found, exact = both(-2.0, -2.0, 90.0, 1.0, 31.0, 400.0, is_count=False)
    assert length > 0
    np.testing.assert_allclose(found, exact, atol=1e-10)


def test_a_range_too_wide_for_any_polynomial_is_left_to_be_computed():
    assert both(-60.0, 40.0, 900.0, 1.0, 4_000.0, 90_000.0, is_count=False)[0] == 0


@pytest.mark.parametrize("size", [0, 1, 7, 1000])
def test_parts_are_the_whole_once(size):
    seen = np.zeros(size, dtype=int)

    def work(first, last):
        seen[first:last] += 1

    in_parts(work, size)
    assert np.all(seen == 1)


def test_an_error_in_a_part_is_raised():
    def work(first, last):
        if first <= 500 < last:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        in_parts(work, 1000)
