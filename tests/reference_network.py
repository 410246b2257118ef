"""A delay network written as plain float64 NumPy loops, to compare with."""

import numpy as np

__all__ = ["hopf_rates", "simulate"]


def hopf_rates(a=0.2, w=0.3, beta=1.0):
    """Return the right-hand side of a Hopf node with a current into x."""

    def rates(x, y, current):
        growth = a - beta * (x * x + y * y)
        return growth * x - w * y + current, growth * y + w * x

    return rates


def simulate(rates, current, weights, steps_back, x, y, past, dt, n_steps, method="heun"):
    """Return x after every step.

    ``current(delayed, i, x)`` gives the current into node i from the delayed values of every
    source, an array over j; ``past[-k]`` is x at k steps before time 0.
    """
    n = len(weights)
    longest = int(steps_back.max(initial=0))
    history = np.zeros((longest + n_steps + 1, n))
    if longest:
        history[:longest] = past[-longest:]
    history[longest] = x

    def coupled(x, y, step, ahead):
        total = np.zeros(n)
        for i in range(n):
            delayed = np.array(
                [
                    x[j] if steps_back[i, j] == 0
                    else history[longest + step + ahead - steps_back[i, j], j]
                    for j in range(n)
                ]
            )  # fmt: skip
            total[i] = current(delayed, i, x)
        return rates(x, y, total)

    out = np.zeros((n_steps, n))
    for step in range(n_steps):
        dx, dy = coupled(x, y, step, 0)
        if method == "heun":
            dx2, dy2 = coupled(x + dt * dx, y + dt * dy, step, 1)
            dx, dy = (dx + dx2) / 2, (dy + dy2) / 2
        x, y = x + dt * dx, y + dt * dy
        history[longest + step + 1] = out[step] = x
    return out
