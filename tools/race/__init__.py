"""Races of search strategies on tables of networks that others have trained."""
