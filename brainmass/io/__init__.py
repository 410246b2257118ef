"""Saving and loading: results, models and fits as NetCDF or Zarr, and as xarray datasets.

Files hold a description and arrays. Nothing in them is run when they are read: classes and
functions are looked up by name.
"""

from ._datasets import from_xarray, register, to_xarray
from ._files import info, load, save

__all__ = ["from_xarray", "info", "load", "register", "save", "to_xarray"]
