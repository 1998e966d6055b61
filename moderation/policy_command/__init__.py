"""`python -m moderation.policy`: policies as files, from checking to promoting them."""
