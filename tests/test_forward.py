"""Forward models: BOLD, lead fields, spherical heads, intracranial electrodes."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from scipy.integrate import solve_ivp

import brainmass
from brainmass import BOLDSignal, EEGLeadFieldModel, LeadFieldModel, SphericalHead

MS = u.ms
MM = u.mm


def balloon(activity, times, **changed):
    """BOLD of the Balloon-Windkessel equations as they are printed, by scipy."""
    p = {"g": 0.41, "k": 0.65, "al": 0.32, "tau": 0.98, "rho": 0.34, "V0": 0.02, **changed}

    def slopes(t, y):
        x, f, v, q = y
        return [
            activity(t) - p["k"] * x - p["g"] * (f - 1),
            x,
            (f - v ** (1 / p["al"])) / p["tau"],
            (f * (1 - (1 - p["rho"]) ** (1 / f)) / p["rho"] - q * v ** (1 / p["al"] - 1))
            / p["tau"],
        ]

    start = [0.0, 1.0, 1.0, 1.0]
    solution = solve_ivp(slopes, (0, times[-1]), start, t_eval=times, rtol=1e-10, atol=1e-12,
                         max_step=0.02)  # fmt: skip
    _, _, v, q = solution.y
    rho = p["rho"]
    return p["V0"] * (7 * rho * (1 - q) + 2 * (1 - q / v) + (2 * rho - 0.2) * (1 - v))


def activity(t):
    return 0.5 * np.sin(2 * np.pi * 0.1 * t) ** 2 + 0.3 * np.sin(2 * np.pi * 8 * t)


def test_rest_is_exactly_zero():
    np.testing.assert_array_equal(BOLDSignal(2)(np.zeros((5000, 2)), 1 * MS), 0.0)
    by_hand = BOLDSignal(2)
    by_hand.init_state()
    assert (by_hand.bold() == 0).all()


def test_steady_state_under_constant_activity(x64):
    bold = BOLDSignal(1)
    bold.init_state()
    with brainstate.environ.context(dt=10 * MS):
        step = brainstate.transform.jit(lambda: bold.update(jnp.full(1, 0.1)))
        for _ in range(9000):
            step()
    for value, expected in ((bold.f, 1.243902), (bold.v, 1.072338), (bold.q, 0.895642)):
        np.testing.assert_allclose(value.value, expected, atol=1e-6)
    np.testing.assert_allclose(bold.bold(), 0.01086402, atol=1e-8)
    np.testing.assert_allclose(BOLDSignal(1)(np.full((9000, 1), 0.1), 10 * MS)[-1], 0.01086402,
                               atol=1e-8)  # fmt: skip


@pytest.mark.parametrize("dt", [0.1, 1.0, 7.0])
def test_bold_solves_the_printed_equations_in_single_precision_at_any_step(dt):
    t = (np.arange(round(14_000 / dt)) + 0.5) * dt / 1000
    bold = BOLDSignal(1, period=700 * MS)(activity(t)[:, None], dt * MS)
    exact = balloon(activity, np.arange(0.7, 14.01, 0.7))
    np.testing.assert_allclose(bold[:, 0], exact, atol=1e-6)


def test_bold_does_not_depend_on_the_step_of_the_simulation():
    """Stepping the haemodynamics in single precision at 0.1 ms is 0.2 % off."""
    times = np.arange(0.5, 20.01, 0.5)
    exact = balloon(lambda t: 0.3, times)
    bold = BOLDSignal(1, period=500 * MS)(np.full((200_000, 1), 0.3), 0.1 * MS)
    np.testing.assert_allclose(bold[:, 0], exact, rtol=2e-5, atol=1e-8)


def test_response_to_an_impulse_peaks_near_three_seconds(x64):
    impulse = np.zeros((12_000, 1))
    impulse[:100] = 0.1
    bold = BOLDSignal(1, period=10 * MS)(impulse, 1 * MS)
    assert abs(0.01 * (np.argmax(bold) + 1) - 3.1) < 0.15


def test_parameters_may_differ_between_regions(x64):
    tau = np.array([0.7, 1.4])
    z = activity(np.arange(8000) * 1e-3 + 5e-4)
    bold = BOLDSignal(2, tau=tau * u.second, V0=[0.02, 0.04], k=0.00065 / u.ms, period=500 * MS)
    both = bold(np.stack([z, z], 1), 1 * MS)
    times = np.arange(0.5, 8.01, 0.5)
    for k, changed in enumerate(({"tau": 0.7}, {"tau": 1.4, "V0": 0.04})):
        np.testing.assert_allclose(both[:, k], balloon(activity, times, **changed), atol=1e-6)


def test_flow_stays_positive_under_strong_inhibition():
    bold = BOLDSignal(1)(np.full((30_000, 1), -3.0), 1 * MS)
    assert np.isfinite(bold).all()


def test_stepping_by_hand_equals_the_function(x64):
    z = np.random.default_rng(0).normal(size=(2000, 2))
    bold = BOLDSignal(2, init={"f": [1.1, 0.9]}, period=1 * MS)
    bold.init_state()
    with brainstate.environ.context(dt=1 * MS):
        step = brainstate.transform.jit(bold.update)
        rows = np.stack([step(row) for row in z])
    # The function averages this noise over 8 ms before it steps.
    np.testing.assert_allclose(bold(z, 1 * MS), rows, atol=3e-6)
    assert abs(rows).max() > 1e-3


def test_derivative_is_that_of_the_equations():
    dx, df, dv, dq = BOLDSignal(1).derivative((0.1, 1.2, 1.1, 0.9), 0 * MS, 0.5)
    np.testing.assert_allclose(dx.to_decimal(u.Hz), 0.5 - 0.65 * 0.1 - 0.41 * 0.2, rtol=1e-5)
    np.testing.assert_allclose(df.to_decimal(u.Hz), 0.1, rtol=1e-5)
    np.testing.assert_allclose(dv.to_decimal(u.Hz), (1.2 - 1.1 ** (1 / 0.32)) / 0.98, rtol=1e-5)
    extracted = 1.2 * (1 - 0.66 ** (1 / 1.2)) / 0.34
    expected = (extracted - 0.9 * 1.1 ** (1 / 0.32 - 1)) / 0.98
    np.testing.assert_allclose(dq.to_decimal(u.Hz), expected, rtol=1e-5)


def test_bold_as_a_model_of_its_own_runs_in_a_simulator(x64):
    z = np.random.default_rng(1).normal(size=(300, 2)) + 1.0
    sim = brainmass.Simulator(BOLDSignal(2), dt=10 * MS)
    result = sim.run(3 * u.second, inputs=z, monitors={"b": lambda m: m.bold()})
    np.testing.assert_allclose(result["b"], BOLDSignal(2, period=10 * MS)(z, 10 * MS), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"tau": 0.98}, r"'tau' .* must be a quantity in \[s\]; got 0.98"),
        ({"rho": 1.2}, "'rho' .* between 0 and 1"),
        ({"alpha": 0.0}, "'alpha' .* positive"),
        ({"gamma": np.ones(3) * u.Hz}, r"'gamma' .* broadcasts to \(2,\)"),
        ({"init": 1.0}, "init .* must be a dict"),
        ({"init": {"f": 0.0}}, "'f' .* must be positive"),
        ({"init": {"z": 0.0}}, "keys among 'x', 'f', 'v', 'q'; got 'z'"),
    ],
)
def test_wrong_parameters_are_refused(settings, words):
    with pytest.raises((TypeError, ValueError), match=words):
        BOLDSignal(2, **settings)


# Lead fields.

MOMENT = u.namp * u.meter


def test_noise_has_the_covariance_asked_for():
    covariance = np.array([[4.0, 3.0], [3.0, 2.5]]) * u.mV**2
    sensors = LeadFieldModel(3, 2, np.zeros((3, 2)), noise_cov=covariance)
    noise = sensors.update(np.zeros((20_000, 3)), key=jax.random.key(0)).to_decimal(u.mV)
    assert noise.shape == (20_000, 2)
    np.testing.assert_allclose(np.cov(noise.T), covariance.mantissa, atol=0.15)
    assert sensors.update(np.zeros(3)).shape == (2,)


def test_output_is_in_the_unit_of_the_sensors_whatever_that_of_the_observable():
    lead = np.array([[2.0, 1.0]]) * u.ftesla / MOMENT
    meg = brainmass.MEGLeadFieldModel(1, 2, lead, sensor_unit=u.ftesla)
    for observable in (3.0 * u.mV, 3000.0 * u.uvolt, 3.0):
        out = meg.update(observable * np.ones(1))
        assert out.unit == u.ftesla
        np.testing.assert_allclose(out.mantissa, [6.0, 3.0], rtol=1e-6)
    tesla = brainmass.MEGLeadFieldModel(1, 2, lead).update(np.ones(1))
    np.testing.assert_allclose(tesla.to_decimal(u.tesla), [2e-15, 1e-15], rtol=1e-5)
    scaled = LeadFieldModel(1, 2, lead, u.ftesla, scale=2.0 * MOMENT / u.Hz)
    np.testing.assert_allclose(scaled.update(np.ones(1) * u.Hz).mantissa, [4.0, 2.0], rtol=1e-6)


def test_average_reference_makes_electrodes_sum_to_zero(x64):
    lead = np.random.default_rng(0).normal(size=(4, 6))
    eeg = EEGLeadFieldModel(4, 6, lead, reference="average", noise_cov=np.eye(6))
    assert abs(eeg.update(np.ones((5, 4))).mantissa.sum(-1)).max() < 1e-12
    one = EEGLeadFieldModel(4, 6, lead, reference=2).update(np.ones(4))
    np.testing.assert_allclose(one.mantissa, lead.sum(0) - lead.sum(0)[2])


def test_vertices_compress_to_the_lead_field_of_the_constructor():
    rng = np.random.default_rng(1)
    normals = rng.normal(size=(5, 3))
    parcel = np.eye(2)[[0, 0, 1, 1, 1]]
    area = rng.uniform(1, 2, 5)
    vertices = rng.normal(size=(4, 15))
    weights = LeadFieldModel.build_fixed_orientation_weights(normals, parcel, area)
    lead = LeadFieldModel.compress_vertex_leadfield(vertices * u.mV / MOMENT, weights)
    assert LeadFieldModel(2, 4, lead).update(np.ones(2)).shape == (4,)
    of_vertex = np.einsum("mkv,vk->mv", vertices.reshape(4, 3, 5), normals) * area
    np.testing.assert_allclose(lead.mantissa[1], of_vertex[:, 2:].sum(1), rtol=1e-6)


def test_lead_field_and_covariance_can_be_trained(x64):
    obs, key = jnp.array([1.0, 2.0]), jax.random.key(0)

    def value(lead, covariance):
        sensors = LeadFieldModel(2, 2, lead * u.mV / MOMENT, noise_cov=covariance * u.mV**2)
        return (sensors.update(obs, key).mantissa ** 2).sum()

    point = (jnp.ones((2, 2)), jnp.array([[2.0, 0.5], [0.5, 1.0]]))
    step = (jnp.ones((2, 2)), jnp.array([[1.0, 0.2], [0.2, -0.3]]))
    gradients = jax.grad(value, argnums=(0, 1))(*point)
    slope = sum((g * s).sum() for g, s in zip(gradients, step, strict=True))
    ahead, behind = (
        value(*(p + h * s for p, s in zip(point, step, strict=True))) for h in (1e-5, -1e-5)
    )
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-5, rtol=1e-7)
    sensors = LeadFieldModel(2, 2, Param(np.ones((2, 2)) * u.mV / MOMENT, fit=True))
    assert len(sensors.states(brainstate.ParamState)) == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LeadFieldModel(3, 2, np.ones((2, 3))), r"L .* must have the shape \(3, 2\)"),
        (lambda: LeadFieldModel(3, 2, np.ones((3, 2)) * u.mV), r"'L' .* must be in .*; got"),
        (lambda: LeadFieldModel(3, 2, np.ones((3, 2)), noise_cov=np.ones(2)), r"shape \(2, 2\)"),
        (
            lambda: LeadFieldModel(3, 2, np.ones((3, 2)), noise_cov=[[1.0, 2.0], [2.0, 1.0]]),
            "no negative eigenvalue; got the smallest one -1",
        ),
        (lambda: LeadFieldModel((2, 3), 2, np.ones((3, 2))), "single numbers"),
        (lambda: EEGLeadFieldModel(3, 2, np.ones((3, 2)), reference=2), "electrode from 0 to 1"),
        (lambda: LeadFieldModel(3, 2, np.ones((3, 2))).update(np.ones(4)), r"\(3,\); got \(4,\)"),
        (
            lambda: LeadFieldModel(3, 2, np.ones((3, 2))).update(np.ones(3) * u.Hz),
            r"must be in \[mV\] or a plain number",
        ),
        (
            lambda: LeadFieldModel.compress_vertex_leadfield(np.ones((2, 6)), np.ones((5, 4))),
            "Transpose them",
        ),
        (lambda: brainmass.LeadfieldReadout([1.0, 2.0]), r"shape \(sensors, regions\)"),
        (lambda: brainmass.LeadfieldReadout([[1.0]], normalize="max"), "'l1', 'l2'"),
        (
            lambda: brainmass.LeadfieldReadout([[1.0]], y0=2 * u.mV).update(np.ones(1)),
            "Give y0 and cy0 in matching units",
        ),
    ],
)
def test_wrong_lead_fields_are_refused(make, words):
    with pytest.raises((TypeError, ValueError), match=words):
        make()


@pytest.mark.parametrize("normalize", [True, "l1", "l2", False])
def test_readout_is_its_formula(x64, normalize):
    rng = np.random.default_rng(2)
    lead, x = rng.normal(size=(4, 3)), rng.normal(size=(7, 3))
    lead[1] = 0.0
    eeg = brainmass.LeadfieldReadout(lead, y0=2.0 * u.mV, cy0=5.0, normalize=normalize)
    size = {"l2": np.sqrt((lead**2).sum(1)), False: np.ones(4)}.get(normalize, np.abs(lead).sum(1))
    hat = lead / np.where(size > 0, size, 1.0)[:, None]
    hat = hat - hat.mean(0)
    out = eeg.update(x * u.mV)
    np.testing.assert_allclose(out.to_decimal(u.mV), 5.0 * x @ hat.T - 2.0, atol=1e-12)
    np.testing.assert_allclose(eeg(x * u.mV, 1 * MS).to_decimal(u.mV), out.to_decimal(u.mV))


# Analytic heads.


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


def test_contacts_see_regions_by_distance(x64):
    centres, contacts = (
        np.zeros((1, 3)) * MM,
        np.array([[0, 0, 10.0], [0, 0, 20.0], [0, 0, 0.1]]) * MM,
    )
    monopole = brainmass.SEEGLeadFieldModel(centres, contacts, sensor_unit=u.uvolt)
    out = monopole.update(np.ones(1)).to_decimal(u.uvolt)
    expected = 1e-9 / (4 * np.pi * 0.3 * np.array([0.01, 0.02, 0.001])) * 1e6
    np.testing.assert_allclose(out, expected, rtol=1e-10)
    dipole = brainmass.SEEGLeadFieldModel(centres, contacts, orientations=[[0, 3.0, 4.0]])
    ratio = dipole.update(np.ones(1)).to_decimal(u.volt)
    np.testing.assert_allclose(ratio[0], 0.8e-9 / (4 * np.pi * 0.3 * 0.01**2), rtol=1e-10)
    assert dipole.dipole_unit.has_same_dim(MOMENT)
    with pytest.raises(TypeError, match="centres .* must be lengths"):
        brainmass.SEEGLeadFieldModel(np.zeros((1, 3)), contacts)
