"""Robots that jump over hurdles and crawl under them, after Extreme Parkour (Cheng et al. 2023, arXiv:2309.14341)."""
