"""Every table of every slice, so that the metadata is whole wherever it is read."""

import lianyan.calls.models
import lianyan.core.events
import lianyan.core.idempotency
import lianyan.core.jobs_schema
import lianyan.core.messages
import lianyan.core.seals
import lianyan.decisions.models
import lianyan.identity.models
import lianyan.institutions.models
import lianyan.projects.models
import lianyan.proposals.derived
import lianyan.proposals.models
import lianyan.reviews.models  # noqa: F401
from lianyan.core.db import Model

metadata = Model.metadata
