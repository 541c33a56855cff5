"""Genome assemblies, as far as the workspace knows them: chromosomes and their lengths, no sequence."""
