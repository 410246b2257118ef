"""Lead fields, readouts and intracranial contacts."""

import brainstate
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param

import brainmass
from brainmass import EEGLeadFieldModel, LeadFieldModel

MS = u.ms
MM = u.mm
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
