"""A generator and a discriminator, each with an optimizer of its own, learn a distribution."""

import numpy as np

from neural_network import Adam, Dense, Sequential, binary_cross_entropy_with_logits

rng = np.random.default_rng(0)
generator = Sequential(Dense(16, "relu"), Dense(1)).initialize((4,), rng=1)
critic = Sequential(Dense(16, "relu"), Dense(1)).initialize((1,), rng=2)
of_generator = Adam(0.003, betas=(0.5, 0.999), parameters=generator)
of_critic = Adam(0.003, betas=(0.5, 0.999), parameters=critic)
ones, zeros = np.ones((64, 1), np.float32), np.zeros((64, 1), np.float32)


def noise(rows):
    """What the generator makes numbers of."""
    return rng.normal(size=(rows, 4)).astype(np.float32)


for _step in range(1000):
    real = rng.normal(3.0, 0.5, (64, 1)).astype(np.float32)
    made = generator(noise(64))

    # The critic tells real numbers from made ones; made.data has no path to the generator.
    of_critic.zero_grad()
    loss = binary_cross_entropy_with_logits(critic(real), ones)
    loss = loss + binary_cross_entropy_with_logits(critic(made.data), zeros)
    loss.backward()
    of_critic.step()

    # The generator makes numbers that the critic takes for real; only its parameters are stepped.
    of_generator.zero_grad()
    binary_cross_entropy_with_logits(critic(made), ones).backward()
    of_generator.step()

made = generator.predict(noise(2000))
print(f"real numbers: mean 3.0, deviation 0.5; made: {made.mean():.1f}, {made.std():.1f}")
print("close:", bool(abs(made.mean() - 3) < 0.5 and made.std() < 1.0))
