"""What scripts share: the command line, the task registry, run folders."""
