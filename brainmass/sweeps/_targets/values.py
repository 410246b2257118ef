"""The values of a sweep as bare numbers, or a sentence about what is wrong with them."""

from __future__ import annotations

import brainunit as u
import numpy as np

__all__ = [
    "axes_of",
    "first_of",
    "holds_functions",
    "read_numbers",
    "refuse_empty",
    "refuse_other_shapes",
    "refuse_single_matrix",
]


def read_numbers(values, spec, who: str, name: str) -> np.ndarray:
    """Return values, first axis the points, as bare float64 numbers in the declared unit."""
    if isinstance(values, str | bytes | dict | set | bool) or values is None or callable(values):
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must be an array or a list with one value per "
            f"point; got {values!r}. Pass for example np.linspace(0, 1, 11)."
        )
    if isinstance(values, list | tuple):
        refuse_empty(values, name)
        rows = [np.asarray(spec.mantissa(known(v, spec, name), who, name)) for v in values]
        if len({row.shape for row in rows}) > 1:
            raise ValueError(
                f"sweep: params['{name}'] ({spec.doc}) must have one shape at all points; got "
                f"{sorted({row.shape for row in rows})}. Make them alike."
            )
        array = np.stack(rows)
    else:
        array = np.asarray(spec.mantissa(values, who, name))
    if array.ndim == 0:
        raise ValueError(
            f"sweep: params['{name}'] ({spec.doc}) must have one value per point; got a single "
            "value. Pass an array or a list, or set it on the model."
        )
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must hold real numbers; got dtype "
            f"{array.dtype}. Convert them first."
        )
    refuse_empty(array, name)
    return array.astype(np.float64)


def known(value, spec, name: str):
    if value is None or isinstance(value, str | bytes | dict | set | bool):
        raise TypeError(
            f"sweep: params['{name}'] ({spec.doc}) must hold numbers; got {value!r}. "
            "Pass numbers or quantities."
        )
    return value


def first_of(numbers: np.ndarray, spec):
    return spec.attach(numbers[0])


def refuse_empty(values, name: str) -> None:
    if len(values) == 0:
        raise ValueError(
            f"sweep: params['{name}'] must have at least one value; got none. Pass some values."
        )


def refuse_other_shapes(numbers: np.ndarray, shape: tuple[int, ...], name: str) -> None:
    if numbers.shape[1:] != shape:
        wanted = ", ".join(map(str, shape))
        raise ValueError(
            f"sweep: params['{name}'] must have shape (points, {wanted}); got {numbers.shape}. "
            "Put the points first."
        )


def refuse_single_matrix(values, shape: tuple[int, ...], name: str) -> None:
    """Refuse a single matrix where one per point is meant."""
    given = np.shape(u.get_mantissa(values))
    if len(given) < 2 or given == shape:
        raise ValueError(
            f"sweep: params['{name}'] must have the points first, then the shape {tuple(shape)}; "
            f"got shape {given}. Pass a list of matrices or stack them."
        )


def holds_functions(values) -> bool:
    return isinstance(values, list | tuple) and any(map(callable, values))


def axes_of(numbers: np.ndarray) -> tuple[str, ...]:
    return ("region",) if numbers.ndim == 2 else tuple(f"axis_{k}" for k in range(numbers.ndim - 1))
