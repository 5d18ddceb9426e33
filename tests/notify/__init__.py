"""Notifications: what is delivered, when, in which words, and what survives."""
