"""Numbers as a person reads them."""

from __future__ import annotations

__all__ = ["bits", "count", "percent", "signed_bits"]


def percent(share: float) -> str:
    """Return a share in percent with two decimals; a positive one is never written as zero.

    >>> percent(0.12345), percent(0.00002), percent(0.0)
    ('12.35%', '<0.01%', '0.00%')
    """
    return "<0.01%" if 0.0 < share < 0.00005 else f"{share:.2%}"


def bits(value: float) -> str:
    """Return bits with one decimal.

    >>> bits(3.14159)
    '3.1'
    """
    return f"{value:.1f}"


def signed_bits(value: float) -> str:
    """Return bits with a sign and one decimal; a rounded zero is positive.

    >>> signed_bits(3.14159), signed_bits(-0.01)
    ('+3.1', '+0.0')
    """
    return f"{round(value, 1) + 0.0:+.1f}"


def count(number: int) -> str:
    """Return a count with separators of thousands.

    >>> count(12345)
    '12,345'
    """
    return f"{number:,}"
