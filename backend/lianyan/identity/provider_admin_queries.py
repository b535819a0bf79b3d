"""Reads of institutions' login services, for those who administer them."""

from typing import Any
from uuid import UUID

import msgspec

from lianyan.core.actor import Reading
from lianyan.core.pieces import instant, institution, person
from lianyan.core.policy import ALLOWED, standing
from lianyan.core.problems import NotFound
from lianyan.identity.provider_admin import lacking_of
from lianyan.identity.provider_admin_schemas import ProviderList, ProviderPage
from lianyan.identity.provider_states import FOLLOWS, TRIED, Status, Step
from lianyan.identity.providers import callback_of
from lianyan.settings import Settings

USED = f"""
  'people', (select count(distinct e.person_id) from identities e where e.provider_id = v.id),
  'last_login_at', (select {instant("max(e.last_login_at)")} from identities e where e.provider_id = v.id)
"""
ROW = f"""
  'id', v.id, 'institution', {institution("i")},
  'name', jsonb_build_object('zh', v.name_zh, 'en', v.name_en), 'slug', v.slug,
  'status', v.status, 'issuer', v.issuer, {USED}
"""
LIST = f"""
  select jsonb_build_object('can', '[]'::jsonb, 'items', coalesce(
    (select jsonb_agg(jsonb_build_object({ROW})
      order by v.status = 'retired', i.sort_key collate "C", v.slug)
    from providers v join institutions i on i.id = v.institution_id), '[]'))::text
"""
ONE = f"""
  select jsonb_build_object({ROW}, 'rev', v.rev, 'client_id', v.client_id,
    'secret', length(v.secret) > 0, 'auth_method', v.auth_method, 'algorithms', v.algorithms,
    'callback', '', 'fixed', v.status not in ('draft', 'testing')
      or exists (select from identities e where e.provider_id = v.id),
    'changed_by', (select {person("w")} from people w where w.id = v.changed_by),
    'activated_by', (select {person("w")} from people w where w.id = v.activated_by),
    'activated_at', {instant("v.activated_at")}, 'checked_at', {instant("m.fetched_at")},
    'trial', case when v.trial is not null then v.trial || jsonb_build_object(
      'current', (v.trial ->> 'version')::int = v.config_version,
      'by', (select {person("w")} from people w where w.id = (v.trial ->> 'by')::uuid),
      'claims', coalesce((select jsonb_agg(jsonb_build_object('name', c ->> 0, 'value', c ->> 1)
        order by o) from jsonb_array_elements(v.trial -> 'claims') with ordinality x (c, o)), '[]')) end,
    'lacking', '[]'::jsonb, 'can', '[]'::jsonb, 'version', v.config_version)::text
  from providers v join institutions i on i.id = v.institution_id
  left join provider_metadata m on m.provider_id = v.id
  where v.id = $1
"""


class _Versioned(ProviderPage, frozen=True, kw_only=True):
    """The page as its row gives it."""

    version: int


async def every(reading: Reading) -> ProviderList:
    """Return all login services, those that are over last."""
    found: ProviderList = msgspec.json.decode(
        await reading.connection.fetchval(LIST), type=ProviderList
    )
    may = ["provider.add"] if standing(reading.actor) & ALLOWED["provider.change"] else []
    return msgspec.structs.replace(found, can=may)


async def one(reading: Reading, settings: Settings, provider_id: UUID) -> ProviderPage:
    """Return a login service with what stands before its activation; raise NotFound."""
    body = await reading.connection.fetchval(ONE, provider_id)
    if body is None:
        raise NotFound
    row = msgspec.json.decode(body, type=_Versioned)
    trial: dict[str, Any] | None = None
    if row.trial is not None:
        trial = {"version": row.version if row.trial.current else 0, "ok": row.trial.ok}
    lacking = lacking_of(row.version, trial)
    own = row.changed_by is not None and row.changed_by.id == reading.actor.id
    if not lacking and own:
        lacking = ["logins.another_activates"]
    status = Status(row.status)
    page = {name: getattr(row, name) for name in ProviderPage.__struct_fields__}
    page |= {
        "callback": callback_of(settings, row.slug),
        "lacking": lacking if (status, Step.ACTIVATE) in FOLLOWS else [],
        "can": _can(reading, status, ready=not lacking),
    }
    return ProviderPage(**page)


def _can(reading: Reading, status: Status, *, ready: bool) -> list[str]:
    own = standing(reading.actor)
    steps = {
        Step.CHECK: "provider.change",
        Step.DISABLE: "provider.stop",
        Step.RETIRE: "provider.stop",
    }
    if ready:
        steps[Step.ACTIVATE] = "provider.activate"
    found = [
        f"provider.{step}"
        for step, action in steps.items()
        if (status, step) in FOLLOWS and own & ALLOWED[action]
    ]
    if own & ALLOWED["provider.change"] and status is not Status.RETIRED:
        found.append("provider.change")
        if status in TRIED:
            found.append("provider.try")
    return found
