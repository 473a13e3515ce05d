"""What can go wrong with data at rest. Each text is one sentence for an administrator and holds no patient data."""


class StorageError(Exception):
    """Data cannot be read or written; the text says what to do."""


class StorageBusy(StorageError):
    """The database is locked or cannot be reached. Nothing was changed; trying again later is right."""


class WrongKey(StorageError):
    """The master key does not open this database."""


class Shredded(StorageError):
    """The key of this scope was destroyed, so that its content can never be read again."""


class Tampered(StorageError):
    """Something was changed behind the program's back: a sealed value or the audit chain does not fit."""
