"""Columns, tag lists, ledger, digest, periods, the models of reports."""
