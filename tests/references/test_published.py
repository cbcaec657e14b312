"""Every published number of every reference, through the public surface."""

import pytest


@pytest.mark.slow
def test_published_results_are_found_again(reference, found, compare):
    file, block = reference
    lines = compare(block, found(file)[block["id"]])

    assert lines
    assert [line for line in lines if not line["within"]] == []
