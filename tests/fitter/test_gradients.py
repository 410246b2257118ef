"""Forward and reverse, truncated windows, and whether gradients can be trusted."""

import brainstate
import braintools
import brainunit as u
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brainstate.nn import Param
from fitter_models import Gain, adam, parabola

import brainmass
from brainmass import Fitter
from brainmass._errors import UnitError


def still():
    return braintools.optim.SGD(lr=0.0)


def network(k, n=4, seed=0, delays=True):
    rng = np.random.default_rng(seed)
    lengths = {"distance": rng.uniform(20, 60, (n, n)) * u.mm, "speed": 5 * u.mm / u.ms}
    return brainmass.Network(
        brainmass.HopfStep(
            n, a=0.1, w=np.linspace(0.2, 0.3, n), init_x=0.1,
            noise_x=brainmass.WhiteNoise(n, sigma=0.01),
        ),
        conn=rng.random((n, n)), **(lengths if delays else {}),
        coupling="diffusive", coupled_var="x", k=k, delay_init=0.1,
    )  # fmt: skip


def activity(model):
    run = brainmass.Simulator(model, dt=0.5 * u.ms).run(100 * u.ms, monitors="node.x", seed=1)
    return run["node.x"]


def norm(fitter, target):
    fitter.start(target, 1)
    return fitter.step()["gradient_norm"]


@pytest.mark.parametrize("delays", [True, False])
def test_forward_and_reverse_agree(x64, delays):
    target = np.ones((200, 4))
    net = network(Param(0.1, fit=True), delays=delays)
    norms = [
        norm(Fitter(net, still(), predict=activity, differentiation=mode), target)
        for mode in ("forward", "reverse")
    ]
    assert norms[0] == pytest.approx(norms[1], rel=1e-9)
    assert norms[0] > 1e-3


def chosen(model, predict):
    from brainmass.fitter._derivative import choose_mode

    fitter = Fitter(model, still(), loss_fn=lambda m: jnp.mean(predict(m) ** 2))
    fitter.start(n_steps=1)
    search = fitter._search
    return choose_mode("auto", search.program.jaxpr, search.theta)


def test_automatic_choice_is_the_cheaper_way():
    """Measured: how many times longer than forward a reverse pass through 2000 steps takes."""

    def column(n, gain=3.25):
        gains = {"Ae": Param(gain * u.mV, fit=True), "Ai": Param(22 * u.mV, fit=True)}
        rates = {"be": Param(100 * u.Hz, fit=True), "bi": Param(50 * u.Hz, fit=True)}
        return brainmass.JansenRitStep(n, **gains, **rates)

    def potential(model):
        run = brainmass.Simulator(model, dt=1 * u.ms).run(20 * u.ms, monitors=None)
        return run["output"].to_decimal(u.mV)

    def two(delays):
        net = network(Param(0.1, fit=True), delays=delays)
        net.node.a = Param(0.1, fit=True)
        return net

    def each(count):
        net = network(0.1, delays=True)
        net.node.a = Param(np.full(4, 0.1), fit=True)
        if count == 8:
            net.node.w = Param(np.full(4, 0.3), fit=True)
        return net

    assert chosen(column(1), potential) == "forward"  # 3.5
    assert chosen(column(84), potential) == "forward"  # 2.6
    assert chosen(column(2000), potential) == "forward"  # 2.2
    assert chosen(column(84, gain=np.full(84, 3.25)), potential) == "reverse"  # 0.1
    assert (
        chosen(
            brainmass.HopfStep(1, a=Param(0.1, fit=True), w=Param(0.3, fit=True)),
            lambda m: brainmass.Simulator(m, dt=1 * u.ms).run(20 * u.ms, monitors="x")["x"],
        )
        == "forward"
    )  # 3.4
    assert chosen(network(Param(0.1, fit=True)), activity) == "forward"  # 0.9
    assert chosen(two(delays=True), activity) == "reverse"  # 0.4
    assert chosen(two(delays=False), activity) == "forward"  # 1.9
    for count in (4, 8):
        assert chosen(each(count), activity) == "reverse"  # 0.01 with 84 regions


def test_automatic_choice_is_forward_for_few_numbers_and_where_reverse_is_impossible():
    from brainmass.fitter._derivative import choose_mode

    def loss(p):
        return jax.lax.fori_loop(0, jnp.int32(3) + (p[0] > 9), lambda i, x: x * p[0], p[-1])

    for size, expected in ((1, "forward"), (2, "forward"), (3, "reverse")):
        jaxpr = jax.make_jaxpr(lambda p: jnp.sum(p**2))(jnp.ones(size))
        assert choose_mode("auto", jaxpr, jnp.ones(size)) == expected
    jaxpr = jax.make_jaxpr(loss)(jnp.ones(5))
    assert choose_mode("auto", jaxpr, jnp.ones(5)) == "forward"
    assert choose_mode("reverse", jaxpr, jnp.ones(5)) == "reverse"

    class Five(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.p = Param(jnp.full(5, 1.5))

    result = Fitter(Five(), adam(0.05), loss_fn=lambda m: (loss(m.p.value()) - 2.0) ** 2).fit(
        n_steps=40
    )
    assert result.best_loss < 1e-2


def test_a_window_as_long_as_the_run_changes_nothing(x64):
    target = np.ones((200, 4))
    net = network(Param(0.1, fit=True))
    whole = norm(Fitter(net, still(), predict=activity), target)
    for mode in ("forward", "reverse"):
        fitter = Fitter(
            net, still(), predict=activity, window=100 * u.ms, differentiation=mode
        )  # fmt: skip
        assert norm(fitter, target) == pytest.approx(whole, rel=1e-9)
        assert fitter.evaluate().loss == pytest.approx(
            Fitter(net, still(), predict=activity).fit(target, 1).best_loss
        )


def test_a_truncated_gradient_is_the_sum_over_its_windows(x64):
    """Of ``x' = -g x`` from 1: within a window that begins at s, dx/dg is -(t - s) x(t)."""

    def predict(model):
        run = brainmass.Simulator(model, dt=0.01 * u.ms).run(4 * u.ms, monitors="x")
        return jnp.sum(run["x"]) * 0.01

    node = brainmass.LinearStep(1, gamma=Param(-0.5, fit=True), init_x=1.0, method="rk4")
    loss = {"predict": predict, "objective": lambda prediction, target: prediction}
    t = np.arange(1, 401) * 0.01
    scale = node.gamma.spec.bounds[1] - node.gamma.spec.bounds[0]
    for window in (1.0, 2.0, 4.0):
        known = np.sum((t - 1e-9) % window * np.exp(-0.5 * t)) * 0.01 * scale
        found = norm(Fitter(node, still(), window=window * u.ms, **loss), 0.0)
        assert found == pytest.approx(known, rel=2e-3)


def test_a_window_works_for_any_module(x64):
    class Decay(brainstate.nn.Module):
        def __init__(self):
            super().__init__()
            self.rate = Param(0.5, fit=True)

        def init_state(self, batch_size=None, **kwargs):
            self.x = brainstate.HiddenState(jnp.asarray(1.0))

        def update(self):
            self.x.value = self.x.value * (1 - 0.01 * self.rate.value())
            return self.x.value

    def predict(model):
        return jnp.sum(brainmass.Simulator(model, dt=0.01 * u.ms).run(4 * u.ms)["output"]) * 0.01

    loss = {"predict": predict, "objective": lambda prediction, target: prediction}
    t = np.arange(1, 401) * 0.01
    for window in (1.0, 4.0):
        known = np.sum((t - 1e-9) % window * np.exp(-0.5 * t)) * 0.01
        found = norm(Fitter(Decay(), still(), window=window * u.ms, **loss), 0.0)
        assert found == pytest.approx(known, rel=1e-2)


def lorenz(model, duration=32 * u.ms):
    return brainmass.Simulator(model, dt=0.01 * u.ms).run(duration, monitors="x")["x"]


def test_chaos_is_recognised_by_its_growth_rate_and_a_window_is_proposed():
    data = lorenz(brainmass.LorenzStep(1, rho=28.0, init_x=1.0))
    node = brainmass.LorenzStep(1, rho=Param(26.5, fit=True), init_x=1.0)
    health = Fitter(node, predict=lorenz).check_gradient(data, seed=0)
    assert health.kind == "chaotic"
    assert 0.3 < float(health.growth_rate * u.ms) < 1.5  # the largest exponent is 0.906
    assert 0.5 * u.ms < health.window < 6 * u.ms
    for word in ("window=", "summaries", "nevergrad"):
        assert word in health.advice
    assert health.norms[-1] > 1e4 * health.norms[0]
    assert "chaotic" in repr(health)
    tamed = Fitter(node, still(), predict=lorenz, window=health.window)
    assert norm(tamed, data) < 1e-4 * health.norm


def test_the_reach_of_a_gradient_is_looked_at_up_to_the_whole_run():
    net = network(Param(0.1, fit=True))
    target = np.zeros((200, 4), np.float32)
    health = Fitter(net, predict=activity).check_gradient(target, seed=0)
    reach = np.asarray(health.reach.to_decimal(u.ms))
    # Blocks of delays last some milliseconds, so that the first ones reach equally far.
    assert health.norms[0] == health.norms[1]
    assert reach[-2] < 100 <= reach[-1] < 200
    assert health.norms[-1] == pytest.approx(health.norm, rel=1e-4)


def test_oscillators_and_decays_are_healthy():
    data = lorenz(brainmass.HopfStep(1, a=0.2, w=0.3, init_x=0.4), 100 * u.ms)
    for fitted in ({"w": Param(0.301, fit=True)}, {"a": Param(0.15, fit=True)}):
        node = brainmass.HopfStep(1, **{"a": 0.2, "w": 0.3, "init_x": 0.4, **fitted})
        fitter = Fitter(node, predict=lambda m: lorenz(m, 100 * u.ms))
        health = fitter.check_gradient(data)
        assert health.kind == "healthy", health
        assert health.growth_rate is None
        assert health.difference < 0.02
        assert len(health.norms) >= 7


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (parabola, "healthy"),
        (lambda m: 0.0 * m.gain.value() + 1.0, "flat"),
        (lambda m: jnp.sqrt(m.gain.value()), "undefined"),
        (lambda m: m.gain.value() + 0.02 * jnp.cos(2e3 * m.gain.value()), "rough"),
        (lambda m: m.gain.value() + jax.lax.stop_gradient(m.gain.value()), "inexact"),
    ],
)
def test_flat_undefined_and_rough_losses_are_recognised(loss, kind):
    model = Gain()
    health = Fitter(model, loss_fn=loss).check_gradient()
    assert health.kind == kind
    assert health.advice
    assert health.norms.size == 0
    assert float(model.gain.value()) == 0.0


def test_a_gradient_that_explodes_leads_to_the_check():
    def loss(model):
        p = model.gain.value()
        return jnp.sqrt((p - 1.0) ** 2)

    with pytest.warns(RuntimeWarning, match="check_gradient tells whether it grows"):
        Fitter(Gain(1.0), still(), loss_fn=loss).fit(n_steps=1)


def test_bad_windows_and_ways_to_differentiate_are_refused():
    with pytest.raises(UnitError, match="window .* must be a time; got 3"):
        Fitter(Gain(), loss_fn=parabola, window=3.0)
    with pytest.raises(ValueError, match="window .* must be positive"):
        Fitter(Gain(), loss_fn=parabola, window=0 * u.ms)
    with pytest.raises(ValueError, match="needs a simulation inside predict"):
        Fitter(Gain(), loss_fn=parabola, window=3 * u.ms).fit(n_steps=1)
    with pytest.raises(ValueError, match="differentiation must be one of 'auto'"):
        Fitter(Gain(), loss_fn=parabola, differentiation="backward")
    with pytest.raises(ValueError, match="window is about gradients"):
        Fitter(Gain(), loss_fn=parabola, window=3 * u.ms, backend="nevergrad")
