"""Algorithm 1 of Goodfellow et al. 2014, written out: the game that `onehalf.train` plays.

Run it with `python examples/by_hand.py`.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import optax
from jax.nn import softplus

import onehalf as oh

k = 1  # steps of D in a round
m = 256  # data, and as many samples, in a minibatch
rounds = 100
p_data, p_z = oh.distributions.Ring(), oh.Latent(normal=2)
D = oh.nets.MLP(jr.key(1), p_data.shape, ())
G = oh.nets.MLP(jr.key(2), p_z.shape, p_data.shape)
adam = optax.adam(2e-4, b1=0.5)
opt_D, opt_G = adam.init(eqx.filter(D, eqx.is_array)), adam.init(eqx.filter(G, eqx.is_array))


def loss_D(
    D, x, Gz
):  # D ascends V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))], where D = sigmoid(d)
    d_x, d_Gz = jax.vmap(D)(x), jax.vmap(D)(Gz)
    return jnp.mean(softplus(-d_x)) + jnp.mean(softplus(d_Gz))


def loss_G(G, D, z):  # G ascends E[log D(G(z))]
    return jnp.mean(softplus(-jax.vmap(D)(jax.vmap(G)(z))))


@eqx.filter_jit
def play(key, D, G, opt_D, opt_G):
    key_D, key_G = jr.split(key)
    for key_step in jr.split(key_D, k):
        key_x, key_z, _ = jr.split(key_step, 3)
        x, z = p_data.sample(key_x, m), p_z.sample(key_z, m)
        updates, opt_D = adam.update(eqx.filter_grad(loss_D)(D, x, jax.vmap(G)(z)), opt_D)
        D = eqx.apply_updates(D, updates)
    z = p_z.sample(jr.split(key_G)[0], m)
    updates, opt_G = adam.update(eqx.filter_grad(loss_G)(G, D, z), opt_G)
    G = eqx.apply_updates(G, updates)
    return D, G, opt_D, opt_G


for t in range(rounds):
    D, G, opt_D, opt_G = play(jr.fold_in(jr.key(0), t), D, G, opt_D, opt_G)
