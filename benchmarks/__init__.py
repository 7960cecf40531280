"""What is measured, against whom, by commands anyone can run."""
