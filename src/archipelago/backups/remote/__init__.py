"""Files at a target that is no folder, beside its repository and written without restic."""
