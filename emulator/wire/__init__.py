"""The imitated addresses of Optimizely: one exchange each way, faults included."""
