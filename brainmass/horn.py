"""Harmonic oscillator recurrent networks: everything of the family, connections included."""

from .models.horn import (
    HORN_TR,
    AdditiveConn,
    DelayedAdditiveConn,
    DelayedAdditiveConnTR,
    DelayedLaplacianConn,
    DelayedLaplacianConnTR,
    HORNSeqLayer,
    HORNSeqNetwork,
    HORNStep,
)

__all__ = [
    "HORN_TR",
    "AdditiveConn",
    "DelayedAdditiveConn",
    "DelayedAdditiveConnTR",
    "DelayedLaplacianConn",
    "DelayedLaplacianConnTR",
    "HORNSeqLayer",
    "HORNSeqNetwork",
    "HORNStep",
]
