"""Policies that are not models."""
