"""Motion clips: files of many kinds read and checked, brought to one robot and one rate, and drawn for training."""
