"""The pages of the review desk; each click is one call to `review`."""
