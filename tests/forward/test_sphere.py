"""The analytic spherical head against closed forms."""

import brainunit as u
import numpy as np
import pytest

from brainmass import SphericalHead

MM = u.mm


def head(radii, conductivities):
    return SphericalHead(np.array(radii) * MM, np.array(conductivities) * u.siemens / u.meter)


def test_potential_in_a_homogeneous_sphere_is_the_closed_form():
    one = head([92.0], [0.33])
    electrodes = one.place(20, lowest=-0.9)
    position = np.array([[30.0, 20.0, 50.0]])
    lead = one.electric(position * MM, electrodes).to_decimal(u.volt / (u.amp * u.meter))
    f = np.linalg.norm(position) / 92.0
    c = electrodes.mantissa @ position[0] / (92.0 * np.linalg.norm(position))
    series = (1 - f**2) / (1 - 2 * f * c + f**2) ** 1.5 - 1
    expected = series / (4 * np.pi * 0.33 * 0.092**2 * f)
    np.testing.assert_allclose(lead[0], expected, rtol=1e-12)
    across = np.cross(position, [[1.0, 0.0, 0.0]])
    lead = one.electric(position * MM, electrodes, across).to_decimal(u.volt / (u.amp * u.meter))
    root = np.sqrt(1 - 2 * f * c + f**2)
    slope = (2 * f / root**3 + (f + f / root) / (1 - f * c + root)) / f
    direction = electrodes.mantissa @ across[0] / (92.0 * np.linalg.norm(across))
    expected = slope * direction / (4 * np.pi * 0.33 * 0.092**2)
    np.testing.assert_allclose(lead[0], expected, rtol=1e-10, atol=1e-10)


def shell_gain(n, r, sigma):
    """Surface potential per source term, from the boundary conditions as one linear system."""
    size = 2 * len(r) - 1
    matrix, right = np.zeros((size, size)), np.zeros(size)
    radii = np.array(r) / r[-1]

    def add(row, shell, sign, power, flux):
        x = radii[row // 2] if row < size - 1 else 1.0
        grow = x**n * (sigma[shell] * n if flux else 1.0)
        fall = x ** -(n + 1.0) * (-sigma[shell] * (n + 1) if flux else 1.0)
        matrix[row, power] += sign * grow
        if shell == 0:
            right[row] -= sign * fall
        else:
            matrix[row, power + 1] += sign * fall

    column = [0, *range(1, size, 2)]
    for k in range(len(r) - 1):
        for flux in (False, True):
            add(2 * k + flux, k, 1.0, column[k], flux)
            add(2 * k + flux, k + 1, -1.0, column[k + 1], flux)
    add(size - 1, len(r) - 1, 1.0, column[-1], True)
    last = np.linalg.solve(matrix, right)[-2:]
    return last.sum()


def test_shells_meet_their_boundary_conditions():
    r, sigma = [71.0, 72.0, 79.0, 85.0], [0.33, 1.79, 0.01, 0.43]
    four = head(r, sigma)
    for n in (1, 2, 7, 30):
        np.testing.assert_allclose(four._gain(n), shell_gain(n, r, sigma), rtol=1e-9)
    position, electrodes = np.array([[10.0, 40.0, 30.0]]) * MM, four.place(9)
    equal = head(r, [0.33] * 4).electric(position, electrodes).mantissa
    alone = head([85.0], [0.33]).electric(position, electrodes).mantissa
    np.testing.assert_allclose(equal, alone, rtol=1e-12)
    skull = four.electric(position, electrodes).mantissa
    assert abs(skull).max() < 0.7 * abs(alone).max()


def test_magnetic_field_is_that_of_sarvas(x64):
    three = SphericalHead()
    sensors = three.place(12, distance=20 * MM)
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(5, 3)) * 25.0
    moments = rng.normal(size=(5, 3))
    radial = three.magnetic(positions * MM, sensors, moments).to_decimal(
        u.tesla / (u.amp * u.meter)
    )
    points = sensors.to_decimal(u.meter)
    away = points - positions[:, None] * 1e-3
    unit = moments / np.linalg.norm(moments, axis=1, keepdims=True)
    primary = 1e-7 * np.cross(unit[:, None], away)
    primary = primary / np.linalg.norm(away, axis=-1, keepdims=True) ** 3
    outward = points / np.linalg.norm(points, axis=1, keepdims=True)
    # Volume currents in a sphere have no radial field.
    np.testing.assert_allclose(radial, np.einsum("rmk,mk->rm", primary, outward), rtol=1e-10)


def test_magnetic_field_has_no_curl_outside():
    three = SphericalHead()
    position, moment = np.array([[20.0, 10.0, 50.0]]) * MM, [[1.0, -2.0, 0.5]]
    point, h = np.array([30.0, 50.0, 100.0]), 1e-3

    def field(p):
        axes = np.repeat(p[None], 3, axis=0) * MM
        return three.magnetic(position, axes, moment, np.eye(3)).mantissa[0]

    jacobian = np.stack(
        [(field(point + h * e) - field(point - h * e)) / (2 * h) for e in np.eye(3)], axis=1
    )
    np.testing.assert_allclose(jacobian, jacobian.T, atol=1e-7 * abs(jacobian).max())
    assert abs(np.trace(jacobian)) < 1e-7 * abs(jacobian).max()


def test_radial_dipoles_are_silent_in_meg():
    positions = np.random.default_rng(3).normal(size=(50, 3)) * 20.0
    three = SphericalHead()
    sensors, directions = (
        three.place(30, distance=15 * MM),
        np.random.default_rng(4).normal(size=(30, 3)),
    )
    lead = three.magnetic(positions * MM, sensors, positions, directions)
    across = np.cross(positions, [1.0, 2.0, 3.0])
    loud = three.magnetic(positions * MM, sensors, across, directions)
    assert abs(lead.mantissa).max() < 1e-12 * abs(loud.mantissa).max()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: head([90.0, 80.0], [0.3, 0.3]), "radii must be positive and increase"),
        (lambda: head([90.0], [0.3, 0.3]), "one value per sphere"),
        (lambda: SphericalHead((80.0, 90.0)), r"radii must be in \[m\]; got plain numbers"),
        (lambda: SphericalHead().electric(np.ones((2, 2)) * MM, np.ones((1, 3)) * MM), "shape"),
        (lambda: SphericalHead().electric(np.eye(3) * 81 * MM, np.eye(3) * MM), "innermost"),
        (lambda: SphericalHead().electric(np.zeros((1, 3)) * MM, np.eye(3) * MM), "centre"),
        (
            lambda: SphericalHead().magnetic(np.eye(3) * MM, np.eye(3) * MM, np.eye(3)),
            "outside of the head",
        ),
        (
            lambda: SphericalHead().magnetic(np.eye(3) * MM, np.eye(3) * 99 * MM, np.zeros((3, 3))),
            "orientations must be 3 directions of non-zero length",
        ),
    ],
)
def test_wrong_heads_are_refused(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()
