"""Readers of pages and XML, given what no site would write."""
