"""Physics behind one seam (`simulator.Simulator`); backends are imported only when chosen."""
