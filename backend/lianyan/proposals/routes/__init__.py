"""The proposals API: every handler of the slice, for the application to mount."""

from typing import Any

from lianyan.proposals.routes.consent import Consents, QueueRoutes
from lianyan.proposals.routes.consortium import Members, Parts
from lianyan.proposals.routes.desk import HANDLERS_DESK
from lianyan.proposals.routes.drafts import Drafts
from lianyan.proposals.routes.invitations import Invitations, Links
from lianyan.proposals.routes.ledger import LedgerRoutes
from lianyan.proposals.routes.sections import Sections
from lianyan.proposals.routes.submission import Submission

APPLICANTS: list[Any] = [
    Drafts,
    Sections,
    Parts,
    Members,
    Links,
    Invitations,
    Consents,
    QueueRoutes,
    Submission,
    LedgerRoutes,
]
HANDLERS: list[Any] = [*APPLICANTS, *HANDLERS_DESK]
