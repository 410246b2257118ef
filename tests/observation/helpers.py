"""What the tests of observers share."""

import brainunit as u

import brainmass


def kernel():
    """A kernel much faster than that of blood, for short runs."""
    return brainmass.GammaHRFKernel(tau=0.02, duration=0.2 * u.second)
