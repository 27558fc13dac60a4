"""Numbers as people read them: what is certified is rounded down, and nothing to more digits than it deserves."""

import math

__all__ = [
    "at_least",
    "by_chance",
    "confidence",
    "digits",
    "money",
    "p_value",
    "percent",
    "points",
]


def digits(value: float | None, se: float | None = None, most: int | None = None) -> str:
    """Nats to three digits after the point, or as many as the standard error deserves; never -0.000.

    Args:
        value: Nats.
        se: Their standard error.
        most: Digits after the point, at most.

    >>> digits(0.1234), digits(-0.00001), digits(0.041, 0.003), digits(-0.00123, 0.0004)
    ('0.123', '0.000', '0.041 ± 0.003', '-0.0012 ± 0.0004')
    """
    if value is None:
        return "no number"
    fine = max(3, -math.floor(math.log10(se))) if se and se >= 1e-5 else 3
    fine = fine if most is None else min(fine, most)
    return f"{round(value, fine) + 0.0:.{fine}f}" + ("" if se is None else f" ± {se:.{fine}f}")


def at_least(bound: float | None) -> str:
    """A lower bound, rounded down: three digits after the point, or two that are not 0.

    >>> at_least(0.6439), at_least(0.00708), at_least(0.0)
    ('0.643', '0.0070', '0')
    """
    if bound is None:
        return "no number"
    if bound <= 0:
        return "0"
    fine = max(3, 1 - math.floor(math.log10(bound)))
    return f"{math.floor(bound * 10**fine) / 10**fine:.{fine}f}"


def percent(bound: float) -> str:
    """A lower bound on a share, rounded down.

    >>> percent(0.5149)
    '51.4 %'
    """
    return f"{math.floor(1000 * bound) / 10:.1f} %"


def points(bound: float) -> str:
    """An upper bound on a difference of shares in percentage points, rounded up.

    >>> points(0.0301), points(1.0)
    ('3.1', '100.0')
    """
    return f"{math.ceil(1000 * bound) / 10:.1f}"


def confidence(alpha: float) -> str:
    """1 - alpha in percent, and never 100.

    >>> confidence(0.05), confidence(1e-6)
    ('95 %', '99.9999 %')
    """
    return f"{100 * (1 - alpha):.10g} %"


def by_chance(alpha: float, ways: int = 1) -> str:
    """How often chance shows a difference, if there are several `ways` to show one (the bound, the p-value).

    >>> by_chance(0.05), by_chance(0.05, ways=2)
    ('at most once in 20 times', 'at most once in 10 times')
    """
    return f"at most once in {1 / (ways * alpha):.3g} times"


def p_value(p: float) -> str:
    """A p-value.

    >>> p_value(0.034), p_value(2e-9)
    ('p = 0.034', 'p < 0.0001')
    """
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def money(log_e: float) -> str:
    """Wealth as a person says it.

    >>> money(0.0), money(-2.0), money(-9.0), money(7.0), money(60.0)
    ('1.00', '0.14', 'less than 0.01', '1,097', '10^26')
    """
    if log_e > math.log(1e7):
        return f"10^{math.floor(log_e / math.log(10))}"
    wealth = math.exp(max(log_e, -700.0))
    return (
        f"{wealth:,.0f}"
        if wealth >= 100
        else f"{wealth:.2f}"
        if wealth >= 0.01
        else "less than 0.01"
    )
