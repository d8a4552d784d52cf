"""The methods of the gym object, by what they are for."""
