"""What decisions tell: how many, how alike, the hours saved, the rules, doubtful labels."""
