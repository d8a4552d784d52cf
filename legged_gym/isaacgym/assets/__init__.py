"""Robot files, and plain shapes, as trees of links; MuJoCo bodies are made of those."""
