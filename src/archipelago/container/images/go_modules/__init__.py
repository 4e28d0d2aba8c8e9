"""Go modules of a recipe: fetched by the hashes of its go.sum, and built without a network."""
