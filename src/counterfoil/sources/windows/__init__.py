"""What Windows hosts and AD FS write down: events, in each wrapper."""
