"""The Perspective API as its clients know it: requests, answers and errors; pure."""
