"""Harmonic oscillator recurrent networks (HORN): cell, connections, layers, networks."""

from .connections import (
    AdditiveConn,
    DelayedAdditiveConn,
    DelayedAdditiveConnTR,
    DelayedLaplacianConn,
    DelayedLaplacianConnTR,
)
from .repetition import HORN_TR
from .sequence import HORNSeqLayer, HORNSeqNetwork
from .step import HORNStep

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
