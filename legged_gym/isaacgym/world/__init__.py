"""What was created, as one MuJoCo model and an engine; state tensors, drives and sensors over it."""
