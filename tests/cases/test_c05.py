"""C-05: two universities share a short name and nothing else."""

from makers import login, make_institution, make_person
from reviews.scenes import make_scene, make_sent, sit


async def test_c05_people_of_two_institutions_with_one_short_name_have_no_conflict(client, session):
    scene = await make_scene(session)
    wuhan = await make_institution(session, "华中科技大学", short_en="HUST")
    hanoi = await make_institution(session, "河内科技大学", short_en="HUST", country="VN")
    lead = await make_person(session, "牵头人", institution=wuhan, email="a@hust.edu.cn")
    reviewer = await make_person(
        session, "专家", institution=hanoi, roles=["reviewer"], email="a@hust.edu.vn"
    )
    proposal = await make_sent(scene, lead=lead, homes=[wuhan, scene.b])
    desk = await sit(scene, client, scene.coordinator)
    found = (await desk.get(f"/proposals/{proposal.id}/assignments")).json()["candidates"]
    theirs = next(c for c in found if c["person"]["id"] == str(reviewer.id))
    assert theirs["conflicts"] == []
    asked = await desk.post(
        f"/proposals/{proposal.id}/assignments", {"reviewer_id": str(reviewer.id)}
    )
    assert asked.status_code == 201, asked.text


async def test_c05_a_person_has_the_own_institution_only(client, session):
    await make_institution(session, "华中科技大学", short_en="HUST")
    hanoi = await make_institution(session, "河内科技大学", short_en="HUST", country="VN")
    person = await make_person(session, "阮某", institution=hanoi, email="a@hust.edu.vn")
    got = await client.get("/api/session", headers=await login(session, person))
    assert [i["name"]["zh"] for i in got.json()["person"]["institutions"]] == ["河内科技大学"]
