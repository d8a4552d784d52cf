"""Logs of a policy at work, against its own description and statistics: what is read or sent wrongly, and the mend.

Nothing here knows torch or the training environment: `numpy`, `onnxruntime`, and the files of the policy.
"""
