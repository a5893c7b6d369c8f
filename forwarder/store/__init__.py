"""The durable spool: accepted source events, and what must outlive the process."""
