"""Open peers, asked the same questions as the product about the same hours.

Strategy: a peer runs in a child process, by an interpreter that has it (``python -m benchmarks.peers``; ours needs
neither it nor pandas), is given a site folder, and leaves an answers folder as the judge reads it. What runs there
imports nothing of the product. ``beside`` starts the children and puts their verdicts beside ours.
"""
