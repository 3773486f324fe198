"""Frames of the meters' own protocols, both roles, no I/O. Read only: nothing here can write to a meter."""
