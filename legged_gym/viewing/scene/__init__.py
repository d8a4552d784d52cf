"""What stands in the page: the ground, robots, and what is drawn over them."""
