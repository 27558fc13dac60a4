"""What tests in a browser share."""

import pytest


def wait_until(page, expression):
    """Wait until an expression is true. (`wait_for_function` needs eval, which the pages forbid.)"""
    for _ in range(2400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never: {expression}")
