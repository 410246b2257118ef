"""What a bug report needs."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["show_versions"]

_PACKAGES = (
    *("brainmass", "jax", "jaxlib", "brainunit", "brainstate", "braintools", "numpy", "scipy"),
    *("optax", "matplotlib", "nevergrad", "xarray", "dask", "ipywidgets", "anywidget"),
    "jupyterlab",
)


def show_versions() -> None:
    """Print the versions of brainmass, its dependencies, Python and the devices.

    Examples
    --------
    >>> import brainmass
    >>> brainmass.show_versions()
    python ...
    """
    import jax

    print(f"python {sys.version.split()[0]} on {platform.platform()}")
    for name in _PACKAGES:
        try:
            print(name, version(name))
        except PackageNotFoundError:
            print(name, "not installed")
    print("devices", ", ".join(str(device) for device in jax.devices()))
    print("float64", "on" if jax.config.jax_enable_x64 else "off")
