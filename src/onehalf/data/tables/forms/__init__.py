"""How the cells of a column are written, and the way back: one form for numbers, dates, booleans and words."""
