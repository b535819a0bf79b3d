"""Proposals: writing, the consortium and its confirmations, submitting, checking, moving on."""
