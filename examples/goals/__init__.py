"""An A1 that walks to one goal after the other."""
