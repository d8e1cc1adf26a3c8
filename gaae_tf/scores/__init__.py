"""What `scores.json`, the file that an evaluation leaves, holds."""

SCORES_FILE = "scores.json"  # in the run folder
