"""The two players, and how a fit works with them."""
