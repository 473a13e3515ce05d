"""Data at rest: tables, the transaction, the vault that encrypts clinical content, the audit chain."""
