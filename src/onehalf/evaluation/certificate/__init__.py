"""The guarantee: critics, their bets on unseen rows, and the bounds that follow."""
