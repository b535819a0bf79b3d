"""What every slice stands on: database, reads, problems, events, jobs, messages; it knows no slice."""
