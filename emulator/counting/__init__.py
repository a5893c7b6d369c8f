"""Which decision a conversion belongs to, and what the results page shows."""
