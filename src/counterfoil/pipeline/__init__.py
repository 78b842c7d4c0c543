"""What a run does with a case, step by step: read, map, reconcile, detect, sum up."""
