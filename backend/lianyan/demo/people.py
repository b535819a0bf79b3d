"""Who can log in to the demo: read from its data alone, for the process that starts everything."""

from lianyan.demo.login import DemoInstitution, DemoPerson
from lianyan.demo.world import read_world

LISTED = (
    *("jia", "geng", "ding", "officer-seu", "ji", "ren", "expert-07", "expert-10", "gui", "you"),
    *("zi", "security", "audit", "auditor", "yi", "ji-rare", "alex", "wu"),
)
"""Whom the table of logins shows: one for each part somebody can play."""


def institutions() -> list[DemoInstitution]:
    """Return the institutions of the demo login, each with the people who can be chosen there."""
    told = read_world()
    return [
        DemoInstitution(
            slug=member.slug,
            name_zh=member.name_zh,
            name_en=member.name_en,
            people=[
                DemoPerson(
                    sub=way.sub,
                    name=person.name,
                    email=person.email,
                    affiliation=person.department,
                )
                for person in told.people
                for way in person.logins
                if way.institution == member.slug
            ],
        )
        for member in told.institutions
    ]


def logins() -> list[tuple[str, str, str]]:
    """Return the table of people to log in as: name, institution, what for."""
    told = read_world()
    names = {member.slug: member.short_zh for member in told.institutions}
    rows = [("姓名", "单位", "可以看什么")]
    for key in LISTED:
        person = told.person(key)
        where = "、".join(names[way.institution] for way in person.logins)
        rows.append((person.name, where, person.note.zh if person.note else ""))
    return rows
