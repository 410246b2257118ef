"""Sums that lose nothing over a long run."""

__all__ = ["compensated"]


def compensated(total: tuple, more) -> tuple:
    """Add to a sum kept in two parts, so that its error does not grow with the number of terms."""
    high, low = total
    more = more - low
    new = high + more
    return new, (new - high) - more
