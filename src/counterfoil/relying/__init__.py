"""What a relying party needs around the verifier: key sets and status fetched, middleware, and receipts."""
