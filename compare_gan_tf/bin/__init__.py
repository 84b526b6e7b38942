"""The command line: flags and gin in, one call into the package, an exit code out."""
