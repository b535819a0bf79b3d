"""Member institutions, their identifiers and names; the taxonomies; the platform's own profile."""
