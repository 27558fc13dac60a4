"""Players made of trees, for tables: G is a chain of forests, D is boosted trees."""
