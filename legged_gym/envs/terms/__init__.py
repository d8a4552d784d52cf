"""What a config can name: terms of observations, rewards and terminations, and how they are put together."""
