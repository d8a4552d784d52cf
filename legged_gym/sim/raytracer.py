"""x."""
class RayPainter: pass
