"""Where a person is logged in: seen, ended elsewhere, and nobody else's."""

from makers import login, make_institution, make_person

PATH = "/api/settings/sessions"


async def test_a_person_sees_where_they_are_and_ends_it_elsewhere(client, session):
    home = await make_institution(session)
    person = await make_person(session, institution=home)
    here, there = await login(session, person), await login(session, person)
    items = (await client.get(PATH, headers=here)).json()["items"]
    assert [row["here"] for row in items] == [False, True]
    assert (await client.get("/api/tasks", headers=there)).status_code == 200
    for _ in "12":  # ending twice is ending once
        ended = await client.post(f"{PATH}/{items[0]['id']}/end", headers=here)
        assert ended.status_code == 204, ended.text
    assert (await client.get("/api/tasks", headers=there)).status_code == 401
    assert len((await client.get(PATH, headers=here)).json()["items"]) == 1


async def test_somebody_elses_is_not_there(client, session):
    home = await make_institution(session)
    mine = await login(session, await make_person(session, institution=home))
    other = await login(session, await make_person(session, institution=home))
    theirs = (await client.get(PATH, headers=other)).json()["items"][0]["id"]
    assert (await client.post(f"{PATH}/{theirs}/end", headers=mine)).status_code == 404
    assert (await client.get("/api/tasks", headers=other)).status_code == 200
    assert (await client.get(PATH)).status_code == 401
