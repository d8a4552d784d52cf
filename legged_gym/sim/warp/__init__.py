"""What MuJoCo Warp is told and asked besides its own steps."""
