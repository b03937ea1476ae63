"""Why a change is refused: stable codes, each with one status and one sentence."""

from enum import Enum

from gatepass.jwks.errors import GatepassError


class ChangeFault(Enum):
    """A code with its HTTP status and its fixed sentence."""

    BAD_VALUE = ("bad_value", 400, "A value is not possible.")
    REFERENCE_UNKNOWN = ("reference_unknown", 400, "A row that is named is not stored.")
    NOT_FOUND = ("not_found", 404, "The row is not stored.")
    ALREADY_EXISTS = ("already_exists", 409, "A row with this id is stored already.")
    EMAIL_TAKEN = ("email_taken", 409, "Another user has this e-mail address.")
    ID_TAKEN = ("id_taken", 409, "Another user of the issuer has this sso_user_id.")
    VERSION_CONFLICT = ("version_conflict", 409, "The row was changed since it was read.")
    IN_USE = ("in_use", 409, "Other rows depend on the row.")
    LAST_ADMIN = ("last_admin", 409, "The row is the last proxy_admin that is not blocked.")
    KEY_REUSED = ("key_reused", 422, "The idempotency key belongs to another request.")

    def __init__(self, code: str, status: int, sentence: str) -> None:
        self.code = code
        self.status = status
        self.sentence = sentence


class ChangeRefused(GatepassError):
    """The change is not made; `field` names what it is about, if it is about one thing."""

    def __init__(self, fault: ChangeFault, field: str | None = None) -> None:
        super().__init__(fault.code, fault.sentence)
        self.fault = fault
        self.field = field
