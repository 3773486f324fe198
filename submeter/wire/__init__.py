"""What travels between building and server: topics, SenML packs, receipts, and the sources that a gateway polls."""
