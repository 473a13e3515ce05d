"""The application service: provisioning, transactions from the homeserver, the homeserver's policy module."""
