"""An exported policy on a robot file in plain MuJoCo, by its description alone: the model of what runs on a robot.

Nothing here knows the training environment or torch: `mujoco`, `numpy`, `onnxruntime`, and the files of the policy.
Quaternions are MuJoCo's: w, x, y, z. One robot at a time.
"""
