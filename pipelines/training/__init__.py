"""Recipes that made the weights shipped in models/, each reproducible by one command."""
