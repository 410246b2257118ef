"""Sizes as users write them."""

import numpy as np

__all__ = ["check_size", "read_shape"]


def read_shape(in_size, who: str, what: str = "shape of the population") -> tuple[int, ...]:
    """Return the shape that an ``in_size`` stands for, and refuse what is none."""
    sizes = in_size if isinstance(in_size, tuple | list) else (in_size,)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in sizes)
    if not sizes or not whole or any(n < 1 for n in sizes):
        raise ValueError(
            f"{who}: in_size ({what}) must be a positive integer or a tuple of "
            f"them; got {in_size!r}. Pass for example in_size=3."
        )
    return tuple(int(n) for n in sizes)


def check_size(who: str, **sizes) -> None:
    """Refuse numbers of units that are no positive integers."""
    for name, size in sizes.items():
        if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
            raise ValueError(
                f"{who}: {name} must be a positive integer; got {size!r}. Pass the number of units."
            )
